"""Files of texts: CSV, JSON lines or parquet in, texts with their labels out, or an error that names the row."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from training.config import LabelledSet, TextSet, nearest
from training.errors import TrainingError
from training.splits import hash_share

READABLE = {".csv": "csv", ".jsonl": "jsonl", ".ndjson": "jsonl", ".parquet": "parquet"}


@dataclass(frozen=True, slots=True)
class Example:
    """One text and what one head should say about it."""

    text: str
    head: str
    label: str


def read_examples(labelled: LabelledSet, coding: Mapping[str, str], folder: Path) -> list[Example]:
    """The rows of a labelled set that belong to it; `coding`: what files write, in lower case -> label.

    Left out are rows named in `exclude`, rows outside `share`, with `skip_unlabelled` rows without a label and, with
    a `label_pattern`, rows whose labels disagree. Raises TrainingError for everything else that does not fit.
    """
    path = folder / labelled.path
    excluded = read_row_numbers(folder / labelled.exclude) if labelled.exclude else frozenset()
    columns = [labelled.text, labelled.label]
    texts, written = read_columns(path, columns, labelled.format, labelled.separator)
    coding = with_own(coding, labelled.labels)
    pattern = re.compile(labelled.label_pattern) if labelled.label_pattern else None
    low, high = labelled.share
    examples = []
    for row, (text, value) in enumerate(zip(texts, written, strict=True)):
        if row in excluded or not low <= hash_share(text) < high or (labelled.skip_unlabelled and not value):
            continue
        label = _label(value, coding, pattern, f"{path}: row {row}")
        if label is not None:
            examples.append(Example(text, labelled.head, label))
    if not examples:
        raise TrainingError(f"{path}: no usable row in the data set {labelled.name!r}")
    return examples


def read_texts(unlabelled: TextSet, folder: Path) -> list[str]:
    """The texts of an unlabelled set that fall into its share. Raises TrainingError."""
    path = folder / unlabelled.path
    low, high = unlabelled.share
    (texts,) = read_columns(path, [unlabelled.text], unlabelled.format, unlabelled.separator)
    return [text for text in texts if low <= hash_share(text) < high]


def with_own(coding: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A head's coding with what one file writes; a file that numbers its labels does not mean the head's numbers."""
    numbered = any(key.isdigit() for key in own)
    kept = {key: label for key, label in coding.items() if not (numbered and key.isdigit())}
    return kept | {key.casefold(): label for key, label in own.items()}


def read_columns(
    path: Path, columns: Sequence[str], format: str | None = None, separator: str = ","
) -> list[list[str]]:
    """Columns as strings, a missing value as the empty one. Unless given, the ending says the format.

    A `.gz` behind it is unpacked.
    """
    format = format or READABLE.get(Path(path.name.removesuffix(".gz")).suffix.lower())
    try:
        if format == "csv":
            frame = pd.read_csv(path, sep=separator, dtype=str, keep_default_na=False, encoding="utf-8-sig")
        elif format == "jsonl":
            frame = pd.read_json(path, lines=True, dtype=False)
        elif format == "parquet":
            frame = pd.read_parquet(path)
        else:
            raise TrainingError(f"{path}: unknown format; known file endings are {', '.join(READABLE)}")
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read: {error.strerror or error}") from error
    except ImportError as error:
        raise TrainingError(
            f"{path}: parquet needs the training extra: pip install 'bearwatch[train]'"
        ) from error
    except ValueError as error:  # wrong encoding, broken JSON, no parquet, ragged rows
        raise TrainingError(f"{path}: not readable as {format}: {error}") from error
    for column in columns:
        if column not in frame.columns:
            raise TrainingError(
                f"{path}: no column {column!r}; {nearest(column, [str(c) for c in frame.columns])}"
            )
    return [[_string(value) for value in frame[column]] for column in columns]


def read_row_numbers(path: Path) -> frozenset[int]:
    """Zero-based data rows, one a line."""
    try:
        return frozenset(int(line) for line in path.read_text("utf-8").split())
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise TrainingError(f"{path}: must hold one row number a line: {error}") from error


def _string(value: object) -> str:
    """As text; 2.0 is '2', because a column of integers with a gap arrives as floats."""
    if value is None or (isinstance(value, float) and value != value):
        return ""
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _label(value: str, coding: Mapping[str, str], pattern: re.Pattern[str] | None, where: str) -> str | None:
    found = set(pattern.findall(value)) if pattern else {value}
    if not found:
        raise TrainingError(f"{where}: label_pattern finds no label in {value!r}")
    if len(found) > 1:
        return None
    spelled = found.pop()
    label = coding.get(spelled.casefold())
    if label is None:
        raise TrainingError(f"{where}: unknown label {spelled!r}; {nearest(spelled, list(coding))}")
    return label
