"""What the data is like: sizes, classes, lengths, scripts, and the texts whose copies have differing labels."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from functools import cache

import msgspec
import numpy as np

from training.data.labelled import Example
from training.data.leaks import Role


class Lengths(msgspec.Struct, frozen=True):
    """Words of a text: the shortest, the 5th percentile, the median, the 95th percentile, the longest."""

    shortest: int
    p5: int
    median: int
    p95: int
    longest: int


class SetReport(msgspec.Struct, frozen=True, kw_only=True):
    """`rows` belong to the set, of which `empty` have no word and `exact_leaks` and `near_leaks` are dropped.

    `kept` different texts come into training or dev from this set first; None for an evaluation set.
    `scripts`: texts by the script of most of their letters, as Unicode names it. Languages that share one, such as
    English and German, are not told apart.
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
    """A text with more than one label: the label that most rows give it, None where that is a tie (it is left out)."""

    head: str
    text: str
    votes: dict[str, int]
    label: str | None


class DataReport(msgspec.Struct, frozen=True):
    """`splits`: "train" and "dev" -> head -> label -> texts."""

    sets: tuple[SetReport, ...]
    splits: dict[str, dict[str, dict[str, int]]]
    unlabelled: int
    conflicts: tuple[Conflict, ...]


def conflicts(votes: Iterable[Counter[Example]], agreed: Collection[Example]) -> tuple[Conflict, ...]:
    """Of the votes on each text those with more than one label; `agreed` holds the winners."""
    found = []
    for ballots in votes:
        labels: Counter[str] = Counter()
        for example, count in ballots.items():
            labels[example.label] += count
        if len(labels) > 1:
            first = next(iter(ballots))
            winner = next((example.label for example in ballots if example in agreed), None)
            found.append(Conflict(first.head, first.text, dict(labels.most_common()), winner))
    return tuple(found)


def classes(examples: Iterable[Example], labels: Mapping[str, Iterable[str]]) -> dict[str, dict[str, int]]:
    """Head -> label -> examples, of all `labels` of all heads."""
    count = Counter((example.head, example.label) for example in examples)
    return {head: {label: count[head, label] for label in names} for head, names in labels.items()}


def lengths(words: Iterable[str]) -> Lengths:
    """Of canonical texts."""
    count = [len(text.split()) for text in words]
    return Lengths(*np.percentile(count, (0, 5, 50, 95, 100)).astype(int).tolist())


def scripts(texts: Iterable[str]) -> dict[str, int]:
    """Script -> texts most of whose letters are of it; "none" for texts without a letter."""
    return dict(Counter(_script(text) for text in texts).most_common())


def _script(text: str) -> str:
    if text.isascii():
        return "LATIN" if any(map(str.isalpha, text)) else "none"
    letters = Counter(_script_of(letter) for letter in text if letter.isalpha())
    return max(letters, key=lambda script: letters[script], default="none")


@cache
def _script_of(letter: str) -> str:
    return unicodedata.name(letter, "none").split()[0]  # "CYRILLIC SMALL LETTER A"
