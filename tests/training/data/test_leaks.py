"""Exact and near duplicates between data sets: counted, dropped, and never on both sides of the split."""

import json
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner
from tiny_training import rows_of, table, write_data

from bearwatch.commands.data import command
from bearwatch.core.canonical import canonical
from training.config import TrainingConfig
from training.config_file import parse_config
from training.data.corpus import read_corpus
from training.data.leaks import Dropped, Duplicates, Texts
from training.data.report import lengths, scripts
from training.data.report_tables import as_text
from training.data.splits import hash_position

LONG = "shares of norwick fall after the regulator opens a probe into its loans"
OTHER = "tallis wins a large contract to build nine ferries for the northern islands"


def test_matrix_and_dropped_rows() -> None:
    sets = (
        Texts("ours", "train", {0: LONG, 1: OTHER, 3: OTHER, 4: "", 5: f"nwk {LONG}"}),
        Texts("tweets", "unlabelled", {0: "quite another text", 7: OTHER}),
        Texts("test", "evaluation", {2: LONG, 6: ""}),
    )
    found = Duplicates(sets)
    report = found.report()
    assert report.sets == ("ours", "tweets", "test")
    assert report.exact == [[1, 2, 1], [1, 0, 0], [1, 0, 0]]
    assert report.near == [[2, 0, 1], [0, 0, 0], [1, 0, 0]]
    dropped = [Dropped(0, "exact", "test", 2), Dropped(5, "near", "test", 2)]
    assert report.dropped == {"ours": dropped, "tweets": []}
    assert found.representatives[LONG] == found.representatives[f"nwk {LONG}"] == min(LONG, f"nwk {LONG}")


@pytest.fixture
def config(tmp_path: Path) -> TrainingConfig:
    """Sentiment with copies that disagree, tweets, and a validation set."""
    write_data(tmp_path)
    with (tmp_path / "sentiment.csv").open("a") as file:
        file.write(f"{LONG},0\n{LONG}!,0\n{LONG.upper()},2\n{OTHER},1\n{OTHER},2\nFerries: {OTHER},1\n")
    tweets = [f"RT {LONG}", "Норвик открыл новый завод на севере", "https://x.example", f"RT {OTHER}", "new"]
    lines = "\n".join(json.dumps({"text": text}, ensure_ascii=False) for text in tweets)
    (tmp_path / "tweets.jsonl").write_text(lines, "utf-8")
    (tmp_path / "validation.csv").write_text(f"text,label\n{OTHER} today,1\n")
    return parse_config(
        {
            **table(Path("base")),
            "evaluation": [{"name": "validation", "path": "validation.csv", "head": "sentiment"}],
            "distillation": {"unlabelled": [{"name": "tweets", "path": "tweets.jsonl"}]},
        }
    )


def test_near_duplicates_of_evaluation_are_dropped(config: TrainingConfig, tmp_path: Path) -> None:
    corpus = read_corpus(config, tmp_path)
    kept = {canonical(text) for text in (*(e.text for e in (*corpus.train, *corpus.dev)), *corpus.unlabelled)}
    assert not kept & {OTHER, f"ferries {OTHER}", f"rt {OTHER}"}
    row = len(rows_of({"x": ("a", "b", "c")})) * 3
    assert corpus.leaks.dropped["sentiment"] == [Dropped(row + i, "near", "validation", 0) for i in (3, 4, 5)]
    assert corpus.leaks.dropped["tweets"] == [Dropped(3, "near", "validation", 0)]


@pytest.mark.parametrize(
    "raw",
    [
        f"{LONG} t.co/Ab1",
        f"{LONG[:1]}\u200b{LONG[1:]}",
        f"<p>{LONG}</p>",
        f"{LONG} caf\u00e9",
    ],
)
def test_what_the_model_reads_alike_is_the_same_text(
    config: TrainingConfig, tmp_path: Path, raw: str
) -> None:
    text = f"{LONG} cafe\u0301" if "caf" in raw else LONG
    (tmp_path / "validation.csv").write_text(f"text,label\n{text},1\n", "utf-8")
    with (tmp_path / "sentiment.csv").open("a", encoding="utf-8") as file:
        file.write(f"{raw},0\n")
    last = read_corpus(config, tmp_path).leaks.dropped["sentiment"][-1]
    assert (last.kind, last.of) == ("exact", "validation")


def test_report_says_what_the_data_is_like(config: TrainingConfig, tmp_path: Path) -> None:
    corpus = read_corpus(config, tmp_path)
    sentiment, _, tweets, validation = corpus.data.sets
    assert (sentiment.rows, sentiment.near_leaks, sentiment.kept) == (96, 3, 91)
    assert sentiment.classes == {"negative": 32, "positive": 32, "neutral": 32}
    assert (tweets.rows, tweets.empty, tweets.head) == (5, 1, None)
    assert tweets.scripts == {"LATIN": 4, "CYRILLIC": 1}
    assert tweets.non_ascii_ratio == 0.2
    assert (validation.kept, validation.words.median) == (None, 14)
    (conflict,) = corpus.data.conflicts
    assert (conflict.votes, conflict.label) == ({"negative": 2, "neutral": 1}, "negative")
    splits = corpus.data.splits
    counts = [sum(sum(heads.values()) for heads in splits[name].values()) for name in ("train", "dev")]
    assert counts == [len(corpus.train), len(corpus.dev)]
    assert corpus.data.unlabelled == len(corpus.unlabelled)


def test_a_tie_is_left_out_and_said(tmp_path: Path) -> None:
    write_data(tmp_path)
    with (tmp_path / "sentiment.csv").open("a") as file:
        file.write(f"{LONG},0\n{LONG},1\n")
    corpus = read_corpus(parse_config(table(Path("base"))), tmp_path)
    assert LONG not in {e.text for e in (*corpus.train, *corpus.dev)}
    assert [(one.text, one.label) for one in corpus.data.conflicts] == [(LONG, None)]


@pytest.mark.parametrize("expected_in_dev", [True, False])
def test_near_duplicates_do_not_straddle_the_split(tmp_path: Path, expected_in_dev: bool) -> None:
    """Ten copies of one text with a word of their own: all in dev or all in train; tweets keep away from dev."""
    write_data(tmp_path)
    base = next(
        text
        for text in (f"{LONG} number {i}" for i in range(100))
        if (hash_position(min(f"{word} {text}" for word in "bcdefghijk"), "dev") < 0.2) == expected_in_dev
    )
    with (tmp_path / "sentiment.csv").open("a") as file:
        file.writelines(f"{word} {base},0\n" for word in "bcdefghijk")
    (tmp_path / "tweets.jsonl").write_text(json.dumps({"text": f"z {base}"}) + '\n{"text": "new"}\n')
    tweets = {"unlabelled": [{"name": "tweets", "path": "tweets.jsonl"}]}
    corpus = read_corpus(parse_config({**table(Path("base")), "distillation": tweets}), tmp_path)
    texts = [{e.text for e in part if base in e.text} for part in (corpus.train, corpus.dev)]
    assert [len(part) for part in texts] == ([0, 10] if expected_in_dev else [10, 0])
    assert corpus.unlabelled == (("new",) if expected_in_dev else (f"z {base}", "new"))


def test_lengths_and_scripts() -> None:
    assert msgspec.structs.astuple(lengths(["one", "one two", "one two three"])) == (1, 1, 2, 2, 3)
    assert scripts(["Öl", "up 株価急落", "$ 5", "нефть"]) == {"LATIN": 1, "CJK": 1, "none": 1, "CYRILLIC": 1}


CONFIG = """
base_model = "base"
[heads.topic]
labels = ["Oil", "Banks"]
[hyperparameters]
dev_ratio = 0.2
[[datasets]]
name = "house [labels]"
path = "topic.jsonl"
head = "topic"
"""


def run(folder: Path, *more: str) -> str:
    (folder / "config.toml").write_text(CONFIG)
    result = CliRunner().invoke(command, [str(folder / "config.toml"), *more], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_command(tmp_path: Path) -> None:
    write_data(tmp_path)
    assert "house [labels] (train)" in run(tmp_path)
    found = json.loads(run(tmp_path, "--json"))
    assert found["data"]["sets"][0]["classes"] == {"Oil": 20, "Banks": 20}
    assert found["leaks"]["sets"] == ["house [labels]"]


def test_table_counts_conflicts(config: TrainingConfig, tmp_path: Path) -> None:
    shown = as_text(read_corpus(config, tmp_path))
    assert "Texts with different labels: 1; 1 decided by majority, 0 left out as ties" in shown
    assert "96       0       0      3     91" in shown
    assert "a script is not a language" in shown
