"""Labelled and unlabelled files in, texts with their labels out, or an error that names row and column."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from training.config import LabelledSet, TextSet, nearest
from training.data.splits import hash_share
from training.data.table_files import read_columns
from training.errors import TrainingError


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
    return list(numbered_examples(labelled, coding, folder).values())


def numbered_examples(labelled: LabelledSet, coding: Mapping[str, str], folder: Path) -> dict[int, Example]:
    """The same by their row in the file, counted from 0."""
    path = folder / labelled.path
    excluded = read_row_numbers(folder / labelled.exclude) if labelled.exclude else frozenset()
    columns = [labelled.text, labelled.label]
    texts, written = read_columns(path, columns, labelled.format, labelled.separator)
    for row in excluded:
        if not 0 <= row < len(texts):
            raise TrainingError(
                f"{folder / str(labelled.exclude)}: row {row} is none of the {len(texts)} rows of {path}, which are "
                "counted from 0, without the header"
            )
    coding = with_own(coding, labelled.labels)
    pattern = re.compile(labelled.label_pattern) if labelled.label_pattern else None
    low, high = labelled.share
    examples = {}
    for row, (text, value) in enumerate(zip(texts, written, strict=True)):
        if row in excluded or not low <= hash_share(text) < high or (labelled.skip_unlabelled and not value):
            continue
        label = _label(value, coding, pattern, f"{path}: row {row}", labelled.label)
        if label is not None:
            examples[row] = Example(text, labelled.head, label)
    if not examples:
        raise TrainingError(f"{path}: no usable row in the data set {labelled.name!r}")
    return examples


def numbered_texts(unlabelled: TextSet, folder: Path) -> dict[int, str]:
    """Row -> text, of the rows of an unlabelled set that fall into its share. Raises TrainingError."""
    path = folder / unlabelled.path
    low, high = unlabelled.share
    (texts,) = read_columns(path, [unlabelled.text], unlabelled.format, unlabelled.separator)
    found = {row: text for row, text in enumerate(texts) if low <= hash_share(text) < high}
    if not found:
        raise TrainingError(f"{path}: no usable row in the data set {unlabelled.name!r}")
    return found


def with_own(coding: Mapping[str, str], own: Mapping[str, str]) -> dict[str, str]:
    """A head's coding with what one file writes; a file that numbers its labels does not mean the head's numbers."""
    numbered = any(key.isdigit() for key in own)
    kept = {key: label for key, label in coding.items() if not (numbered and key.isdigit())}
    return kept | {key.casefold(): label for key, label in own.items()}


def read_row_numbers(path: Path) -> frozenset[int]:
    """Zero-based data rows, one a line."""
    try:
        return frozenset(int(line) for line in path.read_text("utf-8").split())
    except OSError as error:
        raise TrainingError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise TrainingError(f"{path}: must hold one row number a line: {error}") from error


def _label(
    value: str, coding: Mapping[str, str], pattern: re.Pattern[str] | None, where: str, column: str
) -> str | None:
    found = set(pattern.findall(value)) if pattern else {value}
    if not found:
        raise TrainingError(f"{where}: label_pattern finds no label in {value!r}, column {column!r}")
    if len(found) > 1:
        return None
    spelled = found.pop()
    if not spelled:
        raise TrainingError(
            f"{where}: no label in column {column!r}; fill it in, or leave such rows out "
            "(skip_unlabelled = true in a configuration, --skip-unlabelled of evaluate)"
        )
    label = coding.get(spelled.casefold())
    if label is None:
        raise TrainingError(
            f"{where}: unknown label {spelled!r} in column {column!r}; {nearest(spelled, list(coding))}"
        )
    return label
