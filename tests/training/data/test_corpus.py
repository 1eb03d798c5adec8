"""Labelled files, what leaks out of them, and how they are split."""

import gzip
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tiny_training import table, write_data

from bearwatch.core.canonical import canonical
from training.config import Head, LabelledSet
from training.config_file import parse_config
from training.data.corpus import majority, read_corpus
from training.data.labelled import Example, read_examples
from training.data.splits import hash_position
from training.data.table_files import read_columns
from training.errors import TrainingError

MAPPING = Head(labels=("negative", "neutral", "positive"), aliases={"0": "negative"}).label_mapping
PATTERN = r"""['"]: ['"](negative|neutral|positive)['"]"""


def labelled(path: str, **fields: Any) -> LabelledSet:
    return LabelledSet(name="a set", path=path, head="sentiment", **fields)


def test_entities_with_apostrophes_and_disagreement(tmp_path: Path) -> None:
    lines = (
        "Title,Decisions",
        "Brambley's loss widens,{'Brambley's': 'negative'}",
        "\"Tallis gains, Hexby flat\",\"{'Tallis': 'positive', 'Hexby': 'neutral'}\"",
        "Veyra and Kestrel rise,\"{\"\"Veyra's\"\": 'positive', 'Kestrel': 'positive'}\"",
    )
    (tmp_path / "entities.csv").write_text("\n".join(lines))
    examples = read_examples(
        labelled("entities.csv", text="Title", label="Decisions", label_pattern=PATTERN), MAPPING, tmp_path
    )
    assert [(e.text, e.label) for e in examples] == [
        ("Brambley's loss widens", "negative"),
        ("Veyra and Kestrel rise", "positive"),
    ]


def test_formats_say_the_same(tmp_path: Path) -> None:
    frame = pd.DataFrame({"text": ["Hexby falls", "Hexby waits"], "label": ["negative", "neutral"]})
    frame.to_csv(tmp_path / "a.csv", index=False)
    frame.to_json(tmp_path / "a.jsonl", orient="records", lines=True)
    frame.to_parquet(tmp_path / "a.parquet")
    frame.to_csv(tmp_path / "a.txt", index=False, sep=";")
    expected = [
        Example("Hexby falls", "sentiment", "negative"),
        Example("Hexby waits", "sentiment", "neutral"),
    ]
    for name in ("a.csv", "a.jsonl", "a.parquet"):
        assert read_examples(labelled(name), MAPPING, tmp_path) == expected
    assert read_examples(labelled("a.txt", format="csv", separator=";"), MAPPING, tmp_path) == expected


def test_excluded_rows_and_hash_ranges(tmp_path: Path) -> None:
    texts = [f"headline number {i}" for i in range(200)]
    pd.DataFrame({"text": texts, "label": 0}).to_csv(tmp_path / "a.csv", index=False)
    (tmp_path / "rows.txt").write_text("0\n199\n")
    examples = read_examples(labelled("a.csv", exclude="rows.txt"), MAPPING, tmp_path)
    assert [e.text for e in examples] == texts[1:-1]
    tenth = read_examples(labelled("a.csv", hash_range=(0.0, 0.1)), MAPPING, tmp_path)
    rest = read_examples(labelled("a.csv", hash_range=(0.1, 1.0)), MAPPING, tmp_path)
    assert sorted(e.text for e in tenth + rest) == sorted(texts)
    assert 8 <= len(tenth) <= 35  # 20 expected, standard deviation 4.2


def test_an_excluded_row_that_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nup,0\ndown,1\n")
    (tmp_path / "rows.txt").write_text("0\n2\n")
    with pytest.raises(TrainingError, match=r"rows\.txt: row 2 is none of the 2 rows of .*a\.csv"):
        read_examples(labelled("a.csv", exclude="rows.txt"), MAPPING, tmp_path)


def test_rows_without_a_label_may_be_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("text,label\nHexby falls,negative\nHexby waits,\n")
    examples = read_examples(labelled("a.csv", skip_unlabelled=True), MAPPING, tmp_path)
    assert [e.text for e in examples] == ["Hexby falls"]


@pytest.mark.parametrize(
    ("content", "fields", "message"),
    [
        ("text,label\nHexby falls,0\n", {"text": "texts"}, "no column 'texts'; the nearest one is 'text'"),
        (
            "text,label\nHexby falls,negativ\n",
            {},
            "row 0: unknown label 'negativ' in column 'label'; the nearest known one is 'negative'",
        ),
        ("text,label\nHexby falls,7\n", {}, "row 0: unknown label '7'"),
        ("text,label\nHexby falls,\n", {}, "row 0: no label in column 'label'"),
        ("text,label\n", {}, "no usable row"),
        ("", {}, "not readable as csv: the file is empty"),
        (
            "text,label\nHexby falls, sharply,0\n",
            {},
            "row 0 has more cells than the header; put texts with ',' in",
        ),
        (
            "text,label\nHexby waits,0\nHexby falls, sharply,0\n",
            {},
            "in line 3, saw 3; put texts with ',' in",
        ),
        ('text,label\n"Hexby falls,0\n', {}, "not readable as csv"),
        ("text,label\nHexby falls,0\n", {"exclude": "rows.txt"}, "rows.txt: cannot be read"),
        ("text,label\nHexby falls,x\n", {"label_pattern": PATTERN}, "matches no label in 'x'"),
    ],
)
def test_unusable_file_says_why(tmp_path: Path, content: str, fields: dict[str, Any], message: str) -> None:
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(TrainingError) as caught:
        read_examples(labelled("a.csv", **fields), MAPPING, tmp_path)
    assert message in str(caught.value)


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl", "a.jsonl.gz"])
def test_a_byte_of_another_encoding_is_located(tmp_path: Path, name: str) -> None:
    frame = pd.DataFrame({"text": ["Café waits", "“Hexby” falls"], "label": ["neutral", "negative"]})
    if name.endswith("csv"):
        content = frame.to_csv(index=False).encode()
    else:
        content = frame.to_json(orient="records", lines=True, force_ascii=False).encode()
    pack = gzip.compress if name.endswith(".gz") else bytes
    (tmp_path / name).write_bytes(pack(content))
    assert len(read_examples(labelled(name), MAPPING, tmp_path)) == 2
    (tmp_path / name).write_bytes(pack(content.replace("“Hexby”".encode(), "Hexbé".encode("latin-1"))))
    message = (
        rf"{name}: row 1, column 'text': the byte 0xE9 is not UTF-8 \('é' in Latin-1\); save the file as"
    )
    with pytest.raises(TrainingError, match=message):
        read_examples(labelled(name), MAPPING, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"text": "Hexby falls", "label": 0}\n{"text": \n', "row 1: Expecting value"),
        ('\n{"text": "Hexby falls", "label": 0}\n["Hexby", 0]\n', "row 1: not a JSON object"),
        ('{"text": "Hexby \\ud83d falls", "label": 0}', "row 0, column 'text': \\ud83d is half a character"),
        ('{"text": "Hexby falls", "label": 0}\n{"text": "Hexby waits"}', "row 1: no label in column 'label'"),
        ("\n", "not readable as jsonl: the file is empty"),
        ('{"txt": "Hexby falls", "label": 0}', "no column 'text'; the nearest one is 'txt'"),
    ],
)
def test_unusable_json_lines_say_where(tmp_path: Path, content: str, message: str) -> None:
    (tmp_path / "a.jsonl").write_text(content)
    with pytest.raises(TrainingError) as caught:
        read_examples(labelled("a.jsonl"), MAPPING, tmp_path)
    assert message in str(caught.value)


def test_a_gzip_file_that_ends_too_soon(tmp_path: Path) -> None:
    whole = gzip.compress(b'{"text": "Hexby falls", "label": 0}\n' * 1000)
    (tmp_path / "a.jsonl.gz").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TrainingError, match=r"a\.jsonl\.gz: cannot be read: .*end-of-stream"):
        read_examples(labelled("a.jsonl.gz"), MAPPING, tmp_path)


def test_file_that_is_not_what_its_ending_says(tmp_path: Path) -> None:
    for name in ("a.jsonl", "a.parquet", "a.csv"):
        (tmp_path / name).write_bytes(b"\xff\xfe{[ no text")
        with pytest.raises(TrainingError, match=name):
            read_examples(labelled(name), MAPPING, tmp_path)
    with pytest.raises(TrainingError, match="cannot be read"):
        read_examples(labelled("none.csv"), MAPPING, tmp_path)
    with pytest.raises(TrainingError, match="unknown format"):
        read_examples(labelled("a.xlsx"), MAPPING, tmp_path)


def test_same_words_are_the_same_text() -> None:
    assert canonical("Oil &amp; gas: UP 3%! https://x.example/a?b") == canonical("oil gas up 3")
    assert canonical("Oil up") != canonical("Oil down")
    assert hash_position("Oil UP!") == hash_position("oil up")
    assert hash_position("oil up") != hash_position("oil up", "dev")


def test_nothing_leaks(tmp_path: Path) -> None:
    """A text in an evaluation set, whatever its case, links and head, is in neither split; nor in both."""
    write_data(tmp_path)
    validation = "text,label\nNORWICK faces a fraud probe! https://x.example,0\nHexby pumps more crude,0\n"
    (tmp_path / "validation.csv").write_text(validation)
    config = parse_config(
        {
            **table(Path("base")),
            "evaluation": [{"name": "validation", "path": "validation.csv", "head": "sentiment"}],
        }
    )
    corpus = read_corpus(config, tmp_path)
    train, dev = ({canonical(e.text) for e in part} for part in (corpus.train, corpus.dev))
    assert not (train | dev) & {"norwick faces a fraud probe", "hexby pumps more crude"}
    assert not train & dev
    assert len(train | dev) == 90 + 40 - 2
    assert corpus.rows == {"sentiment": 89, "topic": 39}


def test_copies_vote() -> None:
    up, loud, down = (
        Example(text, "sentiment", label)
        for text, label in (("oil up", "positive"), ("OIL UP!", "positive"), ("oil up", "negative"))
    )
    assert majority(Counter([up, loud, down])) == up
    assert majority(Counter([up, down])) is None
    assert majority(Counter([down])) == down


def test_label_without_a_text(tmp_path: Path) -> None:
    write_data(tmp_path)
    wrong = table(Path("base"))
    wrong["heads"]["topic"]["labels"].append("Gold")
    with pytest.raises(
        TrainingError, match=r"no training text is labelled 'Gold' in topic\.jsonl \(column 'label'\)"
    ):
        read_corpus(parse_config(wrong), tmp_path)


def test_label_whose_texts_are_all_contradicted(tmp_path: Path) -> None:
    write_data(tmp_path)
    with (tmp_path / "topic.jsonl").open("a") as file:
        file.write('{"text": "Gold rises", "label": "Gold"}\n{"text": "gold rises!", "label": "Oil"}\n')
    wrong = table(Path("base"))
    wrong["heads"]["topic"]["labels"].append("Gold")
    with pytest.raises(
        TrainingError, match=r"labelled 'Gold' in .* \(1 have conflicting labels or are in the dev split\)"
    ):
        read_corpus(parse_config(wrong), tmp_path)


def test_a_set_of_one_row(tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "topic.jsonl").write_text('{"text": "Norwick pumps more crude", "label": "Oil"}\n')
    with pytest.raises(
        TrainingError, match=r"topic\.jsonl: row 0 is the only usable row of the data set 'topic'"
    ):
        read_corpus(parse_config(table(Path("base"))), tmp_path)


def test_no_text_for_dev(tmp_path: Path) -> None:
    write_data(tmp_path)
    with pytest.raises(
        TrainingError, match=r"heads\.\w+: no text is left to choose the epoch with in \w+\.\w+ \(column"
    ):
        read_corpus(parse_config(table(Path("base"), dev_ratio=1e-9)), tmp_path)


def test_unlabelled_set_without_a_text(tmp_path: Path) -> None:
    write_data(tmp_path)
    (tmp_path / "tweets.csv").write_text("text\n")
    tweets = {"unlabelled": [{"name": "tweets", "path": "tweets.csv"}]}
    with pytest.raises(TrainingError, match=r"tweets\.csv: no usable row in the data set 'tweets'"):
        read_corpus(parse_config({**table(Path("base")), "distillation": tweets}), tmp_path)


def test_what_parquet_calls_missing_is_missing(tmp_path: Path) -> None:
    """Columns of pandas' own types have NA in place of None or NaN."""
    frame = pd.DataFrame({"text": ["Hexby falls", "Hexby waits"], "label": [0, None]}).convert_dtypes()
    frame.to_parquet(tmp_path / "a.parquet")
    assert read_columns(tmp_path / "a.parquet", ["label"]) == [["0", ""]]
    frame.astype("string").to_parquet(tmp_path / "a.parquet")
    assert read_columns(tmp_path / "a.parquet", ["label"]) == [["0", ""]]


def test_bytes_in_parquet_are_utf8(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    pd.DataFrame({"text": ["Café waits".encode(), b"Hexby falls"], "label": [b"0", None]}).to_parquet(path)
    assert read_columns(path, ["text", "label"]) == [["Café waits", "Hexby falls"], ["0", ""]]
    pd.DataFrame({"text": [b"Hexby falls", "Café waits".encode("latin-1")]}).to_parquet(path)
    with pytest.raises(TrainingError, match=r"row 1, column 'text': the byte 0xE9 is not UTF-8"):
        read_columns(path, ["text"])


@pytest.mark.parametrize(("value", "kind"), [(["Hexby"], "a list"), ({"en": "Hexby"}, "an object")])
@pytest.mark.parametrize("name", ["100 % a.parquet", "a.jsonl"])
def test_a_cell_holds_one_value(tmp_path: Path, name: str, value: object, kind: str) -> None:
    frame = pd.DataFrame({"text": [None, value], "label": [True, False]})
    if name.endswith("parquet"):
        frame.to_parquet(tmp_path / name)
    else:
        frame.to_json(tmp_path / name, orient="records", lines=True)
    assert read_columns(tmp_path / name, ["label"]) == [["True", "False"]]
    with pytest.raises(TrainingError, match=rf"{name}: row 1, column 'text': {kind}, not one value"):
        read_columns(tmp_path / name, ["text"])


def test_deeply_nested_json_says_where(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"text": "x", "label": 0}\n' + "[" * 100_000)
    with pytest.raises(TrainingError, match="row 1: maximum recursion depth"):
        read_columns(tmp_path / "a.jsonl", ["text"])
