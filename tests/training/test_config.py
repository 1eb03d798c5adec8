"""Training configurations: the shipped one is right, and a wrong one is told what is wrong and what is near."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
from tiny_training import table

from training.config import Head
from training.config_file import RENAMED, load_config, parse_config
from training.errors import TrainingConfigError

CONFIGS = Path(__file__).parents[2] / "training" / "configs"
SHIPPED = CONFIGS / "financial.toml"


def changed(**changes: Any) -> dict[str, Any]:
    return {**table(Path("base")), **changes}


def test_shipped_configuration() -> None:
    config = load_config(SHIPPED)
    assert config.heads["sentiment"].labels == ("negative", "neutral", "positive")
    assert config.heads["topic"].labels[6] == "Energy | Oil"
    assert len(config.heads["topic"].labels) == 20


def test_a_teacher_learns_what_its_student_learns() -> None:
    """From the same rows, with the same rows kept out; what the files say twice, they say alike."""
    student, teacher = load_config(SHIPPED), load_config(CONFIGS / "teacher.toml")
    for key in ("heads", "datasets", "evaluation", "max_tokens"):
        assert getattr(teacher, key) == getattr(student, key), key


def test_numbers_mean_the_aliases_or_else_the_order() -> None:
    aliased = Head(labels=("negative", "positive"), aliases={"0": "positive", "Bearish": "negative"})
    assert aliased.label_mapping == {
        "0": "positive",
        "bearish": "negative",
        "negative": "negative",
        "positive": "positive",
    }
    assert Head(labels=("Oil", "Banks")).label_mapping == {
        "0": "Oil",
        "1": "Banks",
        "oil": "Oil",
        "banks": "Banks",
    }
    # A 0 is a mistake, not the first label.
    assert Head(labels=("1", "2")).label_mapping == {"1": "1", "2": "2"}


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"sed": 1}, "unknown key 'sed'; the nearest known one is 'seed'"),
        ({"seed": -1}, "Expected `int` >= 0 - at `seed`"),
        (
            {"hyperparameters": {"epoch": 3}},
            "unknown key 'epoch' in hyperparameters; the nearest known one is 'epochs'",
        ),
        ({"datasets": [{"name": "a", "path": "a.csv", "heads": "topic"}]}, "the nearest known one is 'head'"),
        ({"heads": {"topic": {"label": ["Oil", "Banks"]}}}, "the nearest known one is 'labels'"),
        ({"seed": "one"}, "Expected `int`, got `str` - at `seed`"),
        ({"datasets": []}, "nothing to train on"),
        ({"heads": {}}, "nothing to learn: add a [heads.NAME] table"),
        (
            {"datasets": [{"name": "a", "path": "a.csv", "head": "topics"}]},
            "the nearest known one is 'topic'",
        ),
        ({"heads": {"topic": {"labels": ["Oil"]}}}, "at least two labels"),
        (
            {"heads": {"topic": {"labels": ["Oil", "Banks"], "aliases": {"0": "Oi"}}}},
            "the nearest known one is 'Oil'",
        ),
        ({"heads": {"topic": {"labels": ["Oil", "OIL"]}}}, "must differ in more than upper and lower case"),
        (
            {"heads": {"topic": {"labels": ["Oil", "Banks"], "aliases": {"oil": "Banks"}}}},
            "'oil' is a label itself",
        ),
        ({"hyperparameters": {"dropout": 1.5}}, "Expected `float` < 1.0 - at `hyperparameters.dropout`"),
        (
            {"hyperparameters": {"label_smoothing": -0.1}},
            "`float` >= 0.0 - at `hyperparameters.label_smoothing`",
        ),
        (
            {"hyperparameters": {"head_learning_rate": float("nan")}},
            "Expected `float` > 0.0 - at `hyperparameters.head_learning_rate`",
        ),
        (
            {"hyperparameters": {"max_gradient_norm": float("inf")}},
            "hyperparameters.max_gradient_norm must be a finite number, not inf",
        ),
        ({"hyperparameters": {"patience": 0}}, "Expected `int` >= 1 - at `hyperparameters.patience`"),
        ({"hyperparameters": {"batch_tokens": 8}}, "batch_tokens (8) must be at least max_tokens (16)"),
        ({"hyperparameters": {"dev_ratio": 0.6}}, "Expected `float` <= 0.5 - at `hyperparameters.dev_ratio`"),
        ({"distillation": {"weight": 0}}, "Expected `float` > 0.0 - at `distillation.weight`"),
    ],
)
def test_wrong_configuration_names_the_key(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingConfigError) as caught:
        parse_config(changed(**wrong))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"hash_range": [0.5, 0.2]}, "hash_range must be"),
        ({"label_pattern": "(a)(b)"}, "exactly one group"),
        ({"label_pattern": "("}, "not a regular expression"),
        ({"label_pattern": "(a{99999999999999999999})"}, "not a regular expression"),
        ({"label_pattern": "(" * 5000}, "not a regular expression"),
        ({"label_mapping": {"up": "positve"}}, "the nearest known one is 'positive'"),
    ],
)
def test_wrong_data_set_is_named(wrong: dict[str, Any], message: str) -> None:
    datasets = table(Path("base"))["datasets"]
    with pytest.raises(TrainingConfigError, match="'sentiment'") as caught:
        parse_config(changed(datasets=[{**datasets[0], **wrong}, datasets[1]]))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("former", "message"),
    [
        (
            {"hyperparameters": {"dev_share": 0.1}},
            "the key 'dev_share' in hyperparameters is now called 'dev_ratio'",
        ),
        (
            {"distillation": {"altered_copies": 1}},
            "'altered_copies' in distillation is now called 'augmented_copies'",
        ),
        (
            {"distillation": {"unlabelled": [{"name": "a", "path": "a.csv", "share": [0.0, 0.5]}]}},
            "'share' in distillation.unlabelled[0] is now called 'hash_range'",
        ),
        (
            {"evaluation": [{"name": "a", "path": "a.csv", "head": "topic", "share": [0.0, 0.5]}]},
            "'share' in evaluation[0] is now called 'hash_range'",
        ),
        (
            {"datasets": [{"name": "a", "path": "a.csv", "head": "topic", "labels": {"0": "Oil"}}]},
            "'labels' in datasets[0] is now called 'label_mapping'",
        ),
    ],
)
def test_a_former_key_names_the_new_one(former: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingConfigError) as caught:
        parse_config(changed(**former))
    assert message in str(caught.value)


def test_every_former_key_has_a_new_one() -> None:
    for table_type, keys in RENAMED.items():
        assert not set(keys) & set(table_type.__struct_fields__)
        assert set(keys.values()) <= set(table_type.__struct_fields__)


def test_a_file_may_number_labels_that_are_numbers() -> None:
    datasets = table(Path("base"))["datasets"]
    numbered = {**datasets[0], "label_mapping": {"0": "1", "1": "2"}}
    heads = {**table(Path("base"))["heads"], "sentiment": {"labels": ["1", "2"]}}
    assert (
        parse_config(changed(heads=heads, datasets=[numbered, datasets[1]])).datasets[0].label_mapping["0"]
        == "1"
    )


def test_head_without_data() -> None:
    with pytest.raises(TrainingConfigError, match=r"heads\.topic: no data set"):
        parse_config(changed(datasets=table(Path("base"))["datasets"][:1]))


def test_values_may_be_changed_from_outside() -> None:
    changes = ["base_model=bge-small-en-v1.5", "hyperparameters.epochs = 6"]
    assert load_config(SHIPPED, ["intended_use=🎉 party"]).intended_use == "🎉 party"
    assert load_config(SHIPPED, ['heads.topic.aliases."a=b"="IPO"']).heads["topic"].aliases == {"a=b": "IPO"}
    quoted = load_config(SHIPPED, ['heads.sentiment.aliases."a.b" = positive'])
    assert quoted.heads["sentiment"].aliases["a.b"] == "positive"
    config = load_config(SHIPPED, changes)
    assert (config.base_model, config.hyperparameters.epochs) == ("bge-small-en-v1.5", 6)
    assert config == msgspec.structs.replace(
        load_config(SHIPPED), base_model="bge-small-en-v1.5", hyperparameters=config.hyperparameters
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("epochs", "write KEY=VALUE"),
        ("=3", "write KEY=VALUE"),
        ("[seed]#=3", "write KEY=VALUE"),
        ("seed=" + "1" * 5000, "Expected `int`, got `str`"),
        ("seed=" + "[" * 3000, "Expected `int`, got `str`"),
        ("base_model=\udcff", "write KEY=VALUE"),
        (
            "hyperparameters.epochs=99999999999999999999",
            "Expected `int` <= 10000 - at `hyperparameters.epochs`",
        ),
        ("max_tokens=99999999999999999999", "Expected `int` <= 8192 - at `max_tokens`"),
        (
            "distillation.augmented_copies=999999",
            "Expected `int` <= 100 - at `distillation.augmented_copies`",
        ),
        ("seed=3\nmax_tokens=8", "write KEY=VALUE"),
        ("hyperparameters.epoch=3", "the nearest known one is 'epochs'"),
        ("seed.x=3", "seed is not a table"),
        (
            "heads.sentiment.labels=['bad', 'good']",
            "aliases: 0 = 'negative' is not a label; the nearest known one is 'bad'",
        ),
        ("seed=", "Expected `int`, got `str`"),
    ],
)
def test_a_change_that_makes_no_sense(change: str, message: str) -> None:
    with pytest.raises(TrainingConfigError) as caught:
        load_config(SHIPPED, [change])
    assert message in str(caught.value)


def test_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(TrainingConfigError, match=r"none\.toml: cannot be read"):
        load_config(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("seed = ")
    with pytest.raises(TrainingConfigError, match=r"broken\.toml: not TOML"):
        load_config(tmp_path / "broken.toml")
