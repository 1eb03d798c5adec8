"""Which texts stand in more than one data set, and which rows of training sets an evaluation set forbids."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array

from bearwatch.core.near_duplicates import SIMILARITY, groups, near_duplicates

Role = Literal["train", "unlabelled", "evaluation"]


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of a data set: row in its file -> canonical text."""

    name: str
    role: Role
    rows: dict[int, str]


class Dropped(msgspec.Struct, frozen=True):
    """A row that is not trained on, and the row of an evaluation set that it is a duplicate of."""

    row: int
    kind: Literal["exact", "near"]
    of: str
    of_row: int


class Match(NamedTuple):
    """Why a text is not trained on: its copy or near duplicate in an evaluation set."""

    kind: Literal["exact", "near"]
    of: str
    of_row: int


class LeakReport(msgspec.Struct, frozen=True):
    """`exact[i][j]`: rows of set i whose text is in set j as well; where i = j, rows that repeat an earlier row.

    `near[i][j]`: rows of set i of which set j has a near duplicate, a text that is not the same.
    """

    similarity: float  # of near duplicates at least: share of common words
    sets: tuple[str, ...]
    exact: list[list[int]]
    near: list[list[int]]
    dropped: dict[str, list[Dropped]]  # training or unlabelled set -> its rows


class Duplicates:
    """Exact and near duplicates over data sets. Texts without a word are duplicates of nothing."""

    def __init__(self, sets: Sequence[Texts]) -> None:
        self._sets = sets
        self.texts = tuple(dict.fromkeys(text for one in sets for text in one.rows.values() if text))
        self._number = {text: i for i, text in enumerate(self.texts)}
        self.pairs = near_duplicates(self.texts)

    def report(self) -> LeakReport:
        names = tuple(one.name for one in self._sets)
        count = np.zeros(
            (len(self.texts), len(self._sets)), np.int64
        )  # (n_texts, n_sets): rows with the text
        for column, one in enumerate(self._sets):
            np.add.at(count[:, column], [self._number[text] for text in one.rows.values() if text], 1)
        there = (count > 0).astype(np.int64)
        exact = count.T @ there - np.diag(there.sum(0))  # (n_sets, n_sets)
        near = count.T @ (self._linked(there) > 0)  # (n_sets, n_sets)
        dropped = {one.name: self._dropped(one) for one in self._sets if one.role != "evaluation"}
        return LeakReport(SIMILARITY, names, exact.tolist(), near.tolist(), dropped)

    def _linked(self, there: NDArray[np.int64]) -> NDArray[np.int64]:
        """Near duplicates of each text in each set, (n_texts, n_sets)."""
        both = np.concatenate([self.pairs, self.pairs[:, ::-1]])
        links = coo_array((np.ones(len(both), np.int64), both.T), shape=(len(self.texts),) * 2)
        return np.asarray(links.tocsr() @ there)

    @cached_property
    def forbidden(self) -> dict[str, Match]:
        """Canonical texts that must not be trained on."""
        evaluated: dict[str, tuple[str, int]] = {}
        for one in self._sets:
            if one.role == "evaluation":
                for row, text in one.rows.items():
                    evaluated.setdefault(text, (one.name, row))
        evaluated.pop("", None)
        found = {text: Match("exact", *where) for text, where in evaluated.items()}
        for text, other in self._similar():
            if other in evaluated:
                found.setdefault(text, Match("near", *evaluated[other]))
        return found

    @cached_property
    def representatives(self) -> dict[str, str]:
        """Canonical text -> the first, in alphabetical order, of all that near duplicates link it to."""
        group = groups(len(self.texts), self.pairs).tolist()
        first: dict[int, str] = {}
        for number, text in zip(group, self.texts, strict=True):
            first[number] = min(text, first.get(number, text))
        return {text: first[number] for number, text in zip(group, self.texts, strict=True)}

    def _similar(self) -> Iterator[tuple[str, str]]:
        for one, other in self.pairs.tolist():
            yield self.texts[one], self.texts[other]
            yield self.texts[other], self.texts[one]

    def _dropped(self, one: Texts) -> list[Dropped]:
        found = ((row, self.forbidden.get(text)) for row, text in one.rows.items())
        return [Dropped(row, *match) for row, match in found if match]
