"""Rows of labelled and unlabelled files as texts with labels; what does not fit is an error with row and column."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from bearwatch.core.files import read_limited
from bearwatch.core.nearest import nearest
from training.config import LabelledSet, TextSet
from training.data.label_mapping import override_mapping
from training.data.splits import hash_position
from training.data.table_files import read_columns
from training.errors import TrainingError

ROW_NUMBERS_BYTES = 2**28


@dataclass(frozen=True, slots=True)
class Example:
    """One text and its label for one head."""

    text: str
    head: str
    label: str


def read_examples(labelled: LabelledSet, mapping: Mapping[str, str], folder: Path) -> list[Example]:
    """The rows of a labelled set in the order of the file: `numbered_examples` without their row numbers."""
    return list(numbered_examples(labelled, mapping, folder).values())


def numbered_examples(labelled: LabelledSet, mapping: Mapping[str, str], folder: Path) -> dict[int, Example]:
    """Row of the file, counted from 0 -> its example.

    Left out are rows named in `exclude`, rows outside the `hash_range`, with `skip_unlabelled` rows without a label
    and, with a `label_pattern`, rows whose labels disagree.

    Args:
        labelled: the set; its paths are relative to `folder`.
        mapping: the head's label mapping, raw label in lower case -> label.

    Raises:
        TrainingError: the file cannot be read, has no usable row, or a row has an unknown label or none.
    """
    path = folder / labelled.path
    excluded = read_row_numbers(folder / labelled.exclude) if labelled.exclude else frozenset()
    columns = [labelled.text, labelled.label]
    texts, raw_labels = read_columns(path, columns, labelled.format, labelled.separator)
    for row in excluded:
        if not 0 <= row < len(texts):
            raise TrainingError(
                f"{folder / str(labelled.exclude)}: row {row} is none of the {len(texts)} rows of {path}, which are "
                "counted from 0, without the header"
            )
    mapping = override_mapping(mapping, labelled.label_mapping)
    pattern = re.compile(labelled.label_pattern) if labelled.label_pattern else None
    low, high = labelled.hash_range
    examples = {}
    for row, (text, raw) in enumerate(zip(texts, raw_labels, strict=True)):
        if row in excluded or not low <= hash_position(text) < high or (labelled.skip_unlabelled and not raw):
            continue
        label = _label(raw, mapping, pattern, f"{path}: row {row}", labelled.label)
        if label is not None:
            examples[row] = Example(text, labelled.head, label)
    if not examples:
        raise TrainingError(f"{path}: no usable row in the data set {labelled.name!r}")
    return examples


def numbered_texts(unlabelled: TextSet, folder: Path) -> dict[int, str]:
    """Row of the file, counted from 0 -> text, of the rows in the set's hash range.

    Raises:
        TrainingError: the file cannot be read, or no row is in the range.
    """
    path = folder / unlabelled.path
    low, high = unlabelled.hash_range
    (texts,) = read_columns(path, [unlabelled.text], unlabelled.format, unlabelled.separator)
    selected = {row: text for row, text in enumerate(texts) if low <= hash_position(text) < high}
    if not selected:
        raise TrainingError(f"{path}: no usable row in the data set {unlabelled.name!r}")
    return selected


def read_row_numbers(path: Path) -> frozenset[int]:
    """Zero-based data rows from a file with one number per line. Raises TrainingError."""
    try:
        return frozenset(int(line) for line in read_limited(path, ROW_NUMBERS_BYTES).decode().split())
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise TrainingError(f"{path}: must have one row number per line: {error}") from error


def _label(
    value: str, mapping: Mapping[str, str], pattern: re.Pattern[str] | None, where: str, column: str
) -> str | None:
    """The label of a cell; None where the pattern matches raw labels that disagree."""
    matches = set(pattern.findall(value)) if pattern else {value}
    if not matches:
        raise TrainingError(f"{where}: label_pattern matches no label in {value!r}, column {column!r}")
    if len(matches) > 1:
        return None
    raw = matches.pop()
    if not raw:
        raise TrainingError(
            f"{where}: no label in column {column!r}; fill it in, or leave such rows out "
            "(skip_unlabelled = true in a configuration, --skip-unlabelled of evaluate)"
        )
    label = mapping.get(raw.casefold())
    if label is None:
        raise TrainingError(
            f"{where}: unknown label {raw!r} in column {column!r}; the nearest known one is "
            f"{nearest(raw.casefold(), mapping)!r}"
        )
    return label
