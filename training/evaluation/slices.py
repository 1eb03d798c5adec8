"""Where is a model better or worse? Figures by length, by ticker, and by any column of the labelled file."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evaluation.intervals import Interval, share_interval
from training.evaluation.metrics import measure

SMALL = 30  # rows; with fewer, a 95 % interval of an accuracy of 0.85 is wider than 0.25
MOST_VALUES = 40  # of a column that are told apart
LENGTHS = (8, 16, 32)  # words, the last length of each slice: short headlines, headlines, posts, paragraphs
TICKER = re.compile(r"(?<!\w)\$[A-Za-z]{1,6}(?:\.[A-Za-z]{1,2})?(?!\w)")  # $ABC, $BRK.B; not $5, not US$


class Group(NamedTuple):
    """Rows of a labelled file that have something in common."""

    by: str
    value: str
    rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Slice:
    """`too_small`: so few rows that the figures say little; look at the interval."""

    by: str
    value: str
    n: int
    too_small: bool
    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    ece: float


def slices(
    labels: Sequence[str],
    truth: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    groups: Iterable[Group],
) -> tuple[Slice, ...]:
    """The figures of every group; macro-F1 over the classes that the group has. Arrays as in `measure`."""
    found = []
    for by, value, rows in groups:
        figures = measure(labels, truth[rows], probabilities[rows])
        right = int((probabilities[rows].argmax(1) == truth[rows]).sum())
        interval = share_interval(right, figures.n)
        small = figures.n < SMALL
        found.append(
            Slice(by, value, figures.n, small, figures.accuracy, interval, figures.macro_f1, figures.ece)
        )
    return tuple(found)


def groups(texts: Sequence[str], columns: Mapping[str, Sequence[str]]) -> list[Group]:
    """By length and ticker of the texts, and by each of the columns, which have a value for every text."""
    return [
        *by_length(texts),
        *by_ticker(texts),
        *(group for name, values in columns.items() for group in by_column(name, values)),
    ]


def by_length(texts: Sequence[str]) -> list[Group]:
    words = np.array([len(text.split()) for text in texts])
    edges = (0, *LENGTHS)
    names = [f"{low + 1} to {high}" for low, high in pairwise(edges)]
    names = [f"up to {LENGTHS[0]}", *names[1:], f"more than {LENGTHS[-1]}"]
    which = np.searchsorted(LENGTHS, words)
    return _filled("length in words", [(name, which == i) for i, name in enumerate(names)])


def by_ticker(texts: Sequence[str]) -> list[Group]:
    has = np.array([TICKER.search(text) is not None for text in texts])
    return _filled("a ticker such as $ABC", [("with", has), ("without", ~has)])


def by_column(name: str, values: Sequence[str]) -> list[Group]:
    """The most frequent value first; those beyond MOST_VALUES together."""
    column = np.array(values, object)
    distinct, counts = np.unique(column, return_counts=True)
    ordered = distinct[np.argsort(-counts, kind="stable")].tolist()
    shown = [(value or "(empty)", column == value) for value in ordered[:MOST_VALUES]]
    if rest := ordered[MOST_VALUES:]:
        shown.append((f"({len(rest)} other values)", np.isin(column, rest)))
    return _filled(name, shown)


def _filled(by: str, members: Iterable[tuple[str, NDArray[np.bool_]]]) -> list[Group]:
    """Those that have rows."""
    return [Group(by, value, np.flatnonzero(mask)) for value, mask in members if mask.any()]
