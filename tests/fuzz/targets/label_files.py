"""Labelled files in every format, and files that name rows to leave out."""

import functools
import gzip
import io
import random

import pandas as pd
from generation import raw, texts, trees

from targets.target import Target, pack, scratch, unpack, written
from training.config import LabelledSet
from training.data import table_files
from training.data.labelled import numbered_examples, read_row_numbers
from training.data.table_files import read_columns
from training.errors import TrainingError

ROWS = [
    {"text": "Oil burns", "label": "negative", "n": 0},
    {"text": 'Banks, "rally" again', "label": "positive", "n": 1.0},
    {"text": "Refinery reopens\nin June", "label": "neutral", "n": None},
]
MAPPING = {
    "negative": "negative",
    "positive": "positive",
    "neutral": "neutral",
    "0": "negative",
    "1": "positive",
}
PATTERNS = (None, None, None, "(negative|positive)", "([a-z]+)")


def cell(rng: random.Random, value: object) -> str:
    text = str(value) if rng.random() < 0.8 else texts.mutated(rng, str(value))
    if any(each in text for each in ',"\n\r;') and rng.random() < 0.8:
        return '"' + text.replace('"', '""') + '"'
    return text


def csv_file(rng: random.Random) -> bytes:
    separator, end = rng.choice(",,,;\t|"), rng.choice(("\n", "\n", "\r\n", "\r"))
    rows = [list(ROWS[0]), *([*row.values()] for row in rng.choices(ROWS, k=rng.randint(0, 4)))]
    for row in rows:
        if rng.random() < 0.08:
            row.append(rng.choice(row)) if rng.random() < 0.5 else row.pop()
    written_rows = end.join(separator.join(cell(rng, each) for each in row) for row in rows) + end
    encoding = rng.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "latin-1"))
    content = written_rows.encode(encoding, "surrogatepass" if encoding.startswith("utf") else "replace")
    return settings(rng, separator, raw.damaged(rng, content))


def json_lines(rng: random.Random) -> bytes:
    lines = [
        trees.as_json(rng, trees.changed(rng, row, 1)).replace(b"\n", b" ") for row in rng.choices(ROWS, k=3)
    ]
    return settings(rng, ",", raw.damaged(rng, b"\n".join(lines) + b"\n"))


@functools.cache
def parquet_samples() -> tuple[bytes, ...]:
    found = []
    for frame in (
        pd.DataFrame(ROWS),
        pd.DataFrame({"text": [b"\xff", "ü".encode()], "label": [0, 1], "n": [[1], [2, 3]]}),
        pd.DataFrame(
            {"text": pd.to_datetime(["2026-01-01", None]), "label": [{"a": 1}, {"a": 2}], "n": [True, None]}
        ),
    ):
        for compression in (None, "snappy", "zstd"):
            file = io.BytesIO()
            frame.to_parquet(file, compression=compression)
            found.append(file.getvalue())
    return tuple(found)


def parquet(rng: random.Random) -> bytes:
    return settings(rng, ",", raw.damaged(rng, rng.choice(parquet_samples()), 0.85))


def settings(rng: random.Random, separator: str, content: bytes) -> bytes:
    low = rng.choice((0.0, 0.0, 0.0, 0.5))
    return pack(separator, rng.choice(PATTERNS), rng.random() < 0.5, low, rng.random() < 0.1, content)


def check(format: str, given: bytes) -> bool:
    separator, pattern, skip, low, zipped, content = unpack(given)
    name = f"labels.{format}" + (".gz" if zipped and format != "parquet" else "")
    path = written(name, gzip.compress(content, 1) if name.endswith(".gz") else content)
    labelled = LabelledSet(
        name="a", path=name, head="sentiment", separator=separator, label_pattern=pattern, skip_unlabelled=skip,
        hash_range=(low, 1.0),
    )  # fmt: skip
    try:
        columns = read_columns(path, ["text", "n"], None, separator)
    except TrainingError as error:
        assert str(path) in str(error)
    else:
        assert len(columns[0]) == len(columns[1])
        assert all(
            each.encode() is not None and each == each.strip() for column in columns for each in column
        )
    try:
        examples = numbered_examples(labelled, MAPPING, scratch())
    except TrainingError as error:
        assert str(path) in str(error)
        return False
    assert {each.label for each in examples.values()} <= set(MAPPING.values())
    return True


def row_numbers(rng: random.Random) -> bytes:
    lines = [texts.mutated(rng, str(n)) if rng.random() < 0.3 else str(n) for n in range(rng.randint(0, 4))]
    return raw.damaged(rng, "\n".join(lines).encode("utf-8", "surrogatepass"))


def check_row_numbers(given: bytes) -> bool:
    try:
        found = read_row_numbers(written("rows.txt", given))
    except TrainingError:
        return False
    assert all(isinstance(each, int) for each in found)
    return True


PARSERS = (table_files, numbered_examples)
TARGETS = (
    Target("labels-csv", PARSERS, csv_file, functools.partial(check, "csv"), 10_000),
    Target("labels-jsonl", PARSERS, json_lines, functools.partial(check, "jsonl"), 12_000),
    Target("labels-parquet", PARSERS, parquet, functools.partial(check, "parquet"), 5_000),
    Target("row-numbers", (read_row_numbers,), row_numbers, check_row_numbers, 40_000),
)
