"""Metrics of parts of a labelled set: by length, by ticker, and by any column of the file."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from training.evaluation.intervals import Interval, ratio_interval
from training.evaluation.metrics import measure

SMALL = 30  # rows; with fewer, a 95 % interval of an accuracy of 0.85 is wider than 0.25
MAX_VALUES = 40  # of a column that get a slice of their own
# Words, the largest length of each slice but the last: short headlines, headlines, posts; paragraphs.
LENGTHS = (8, 16, 32)
TICKER = re.compile(r"(?<!\w)\$[A-Za-z]{1,6}(?:\.[A-Za-z]{1,2})?(?!\w)")  # $ABC, $BRK.B; not $5, not US$


class Group(NamedTuple):
    """The rows that have the same `value` of the property `by`."""

    by: str
    value: str
    rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Slice:
    """Metrics of one group of rows. `too_small`: fewer than SMALL rows, so that the figures are uncertain."""

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
    """The metrics of every group; macro-F1 over the labels that the group has. Arrays as in `measure`."""
    results = []
    for by, value, rows in groups:
        figures = measure(labels, truth[rows], probabilities[rows])
        right = int((probabilities[rows].argmax(1) == truth[rows]).sum())
        interval = ratio_interval(right, figures.n)
        small = figures.n < SMALL
        results.append(
            Slice(by, value, figures.n, small, figures.accuracy, interval, figures.macro_f1, figures.ece)
        )
    return tuple(results)


def groups(texts: Sequence[str], columns: Mapping[str, Sequence[str]]) -> list[Group]:
    """Groups by length and ticker of the texts, and by each of the columns, which have a value for every text."""
    return [
        *by_length(texts),
        *by_ticker(texts),
        *(group for name, values in columns.items() for group in by_column(name, values)),
    ]


def by_length(texts: Sequence[str]) -> list[Group]:
    """Groups by the number of words, divided at LENGTHS."""
    words = np.array([len(text.split()) for text in texts])
    edges = (0, *LENGTHS)
    names = [f"{low + 1} to {high}" for low, high in pairwise(edges)]
    names = [f"up to {LENGTHS[0]}", *names[1:], f"more than {LENGTHS[-1]}"]
    which = np.searchsorted(LENGTHS, words)
    return _filled("length in words", [(name, which == i) for i, name in enumerate(names)])


def by_ticker(texts: Sequence[str]) -> list[Group]:
    """Two groups: texts with a ticker symbol and texts without one."""
    has = np.array([TICKER.search(text) is not None for text in texts])
    return _filled("a ticker such as $ABC", [("with", has), ("without", ~has)])


def by_column(name: str, values: Sequence[str]) -> list[Group]:
    """A group per value of a column, the most frequent first; values beyond MAX_VALUES are one group."""
    column = np.array(values, object)
    distinct, counts = np.unique(column, return_counts=True)
    ordered = distinct[np.argsort(-counts, kind="stable")].tolist()
    shown = [(value or "(empty)", column == value) for value in ordered[:MAX_VALUES]]
    if rest := ordered[MAX_VALUES:]:
        shown.append((f"({len(rest)} other values)", np.isin(column, rest)))
    return _filled(name, shown)


def _filled(by: str, members: Iterable[tuple[str, NDArray[np.bool_]]]) -> list[Group]:
    """The groups that have rows."""
    return [Group(by, value, np.flatnonzero(mask)) for value, mask in members if mask.any()]
