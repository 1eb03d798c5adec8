"""Statistics of the data: sizes, classes, lengths, scripts, and texts whose copies have different labels."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache

import msgspec
import numpy as np

from training.data.labelled import Example
from training.data.leaks import Role


class Lengths(msgspec.Struct, frozen=True):
    """Words per text: minimum, 5th percentile, median, 95th percentile and maximum."""

    shortest: int
    p5: int
    median: int
    p95: int
    longest: int


class SetReport(msgspec.Struct, frozen=True, kw_only=True):
    """Statistics of one data set.

    Of its `rows`, `empty` have no word; `exact_leaks` and `near_leaks` are dropped as duplicates of evaluation texts.
    `kept`: different texts of this set in training or dev that no earlier set contains; None for an evaluation set.
    `scripts`: Unicode's name of the script that most letters of a text have -> texts. Languages with the same script,
    such as English and German, are not distinguished.
    """

    name: str
    role: Role
    head: str | None
    rows: int
    empty: int
    exact_leaks: int
    near_leaks: int
    kept: int | None
    classes: dict[str, int]
    words: Lengths
    scripts: dict[str, int]
    non_ascii_ratio: float  # of the texts


class Conflict(msgspec.Struct, frozen=True):
    """A text with more than one label. `label`: the most frequent one; None for a tie, and the text is left out."""

    head: str
    text: str
    votes: dict[str, int]
    label: str | None


class DataReport(msgspec.Struct, frozen=True):
    """Statistics of all data. `splits`: "train" or "dev" -> head -> label -> number of texts."""

    sets: tuple[SetReport, ...]
    splits: dict[str, dict[str, dict[str, int]]]
    unlabelled: int
    conflicts: tuple[Conflict, ...]


def conflicts(votes: Iterable[Counter[Example]], majorities: Collection[Example]) -> tuple[Conflict, ...]:
    """The texts with more than one label.

    Args:
        votes: for each text, how often each example of it occurs.
        majorities: the examples that training uses, those with the most frequent label.
    """
    conflicting = []
    for ballots in votes:
        labels: Counter[str] = Counter()
        for example, count in ballots.items():
            labels[example.label] += count
        if len(labels) > 1:
            first = next(iter(ballots))
            winner = next((example.label for example in ballots if example in majorities), None)
            conflicting.append(Conflict(first.head, first.text, dict(labels.most_common()), winner))
    return tuple(conflicting)


def classes(examples: Iterable[Example], labels: Mapping[str, Iterable[str]]) -> dict[str, dict[str, int]]:
    """Head -> label -> number of examples. `labels`: head -> all its labels, so that none is missing."""
    count = Counter((example.head, example.label) for example in examples)
    return {head: {label: count[head, label] for label in names} for head, names in labels.items()}


def lengths(texts: Iterable[str]) -> Lengths:
    """How many words canonical texts have."""
    count = [len(text.split()) for text in texts]
    return Lengths(*np.percentile(count, (0, 5, 50, 95, 100)).astype(int).tolist())


def scripts(texts: Iterable[str]) -> dict[str, int]:
    """Script -> number of texts most of whose letters belong to it; "none" for texts without a letter."""
    return dict(Counter(_script(text) for text in texts).most_common())


def _script(text: str) -> str:
    if text.isascii():
        return "LATIN" if any(map(str.isalpha, text)) else "none"
    letters = Counter(_script_of(letter) for letter in text if letter.isalpha())
    return max(letters, key=lambda script: letters[script], default="none")


@cache
def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "none").split()[0]  # "CYRILLIC SMALL LETTER A"
