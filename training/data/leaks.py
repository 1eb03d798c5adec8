"""Texts that are in more than one data set, and rows of training sets that duplicate a row of an evaluation set."""

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
    """The canonical texts of a data set, by row of its file."""

    name: str
    role: Role
    rows: dict[int, str]


class Dropped(msgspec.Struct, frozen=True):
    """A row that is not trained on: an exact or near duplicate of row `of_row` in the evaluation set `of`."""

    row: int
    kind: Literal["exact", "near"]
    of: str
    of_row: int


class Match(NamedTuple):
    """The exact or near duplicate of a training text in an evaluation set, because of which it is not trained on."""

    kind: Literal["exact", "near"]
    of: str
    of_row: int


class LeakReport(msgspec.Struct, frozen=True):
    """Duplicates between all pairs of data sets, and the rows dropped because of them.

    `exact[i][j]`: rows of set i whose text is in set j as well; where i = j, rows that repeat an earlier row.
    `near[i][j]`: rows of set i that have a near duplicate in set j, a similar text that is not the same.
    """

    similarity: float  # least ratio of common words of near duplicates
    sets: tuple[str, ...]
    exact: list[list[int]]
    near: list[list[int]]
    dropped: dict[str, list[Dropped]]  # training or unlabelled set -> its rows


class Duplicates:
    """Exact and near duplicates within and between data sets. A text without a word is never a duplicate."""

    def __init__(self, sets: Sequence[Texts]) -> None:
        self._sets = sets
        self.texts = tuple(dict.fromkeys(text for one in sets for text in one.rows.values() if text))
        self._number = {text: i for i, text in enumerate(self.texts)}
        self.pairs = near_duplicates(self.texts)

    def report(self) -> LeakReport:
        """Count the duplicates between all pairs of sets, and list the rows that must be dropped."""
        names = tuple(one.name for one in self._sets)
        # (n_texts, n_sets): rows with the text
        count = np.zeros((len(self.texts), len(self._sets)), np.int64)
        for column, one in enumerate(self._sets):
            np.add.at(count[:, column], [self._number[text] for text in one.rows.values() if text], 1)
        present = (count > 0).astype(np.int64)
        exact = count.T @ present - np.diag(present.sum(0))  # (n_sets, n_sets)
        near = count.T @ (self._linked(present) > 0)  # (n_sets, n_sets)
        dropped = {one.name: self._dropped(one) for one in self._sets if one.role != "evaluation"}
        return LeakReport(SIMILARITY, names, exact.tolist(), near.tolist(), dropped)

    def _linked(self, present: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many near duplicates each text has in each set, (n_texts, n_sets)."""
        both = np.concatenate([self.pairs, self.pairs[:, ::-1]])
        links = coo_array((np.ones(len(both), np.int64), both.T), shape=(len(self.texts),) * 2)
        return np.asarray(links.tocsr() @ present)

    @cached_property
    def forbidden(self) -> dict[str, Match]:
        """Canonical texts that must not be trained on -> their duplicate in an evaluation set."""
        evaluated: dict[str, tuple[str, int]] = {}
        for one in self._sets:
            if one.role == "evaluation":
                for row, text in one.rows.items():
                    evaluated.setdefault(text, (one.name, row))
        evaluated.pop("", None)
        matches = {text: Match("exact", *where) for text, where in evaluated.items()}
        for text, other in self._similar():
            if other in evaluated:
                matches.setdefault(text, Match("near", *evaluated[other]))
        return matches

    @cached_property
    def representatives(self) -> dict[str, str]:
        """Canonical text -> the alphabetically first text of its group; near duplicates link the texts of a group."""
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
        matches = ((row, self.forbidden.get(text)) for row, text in one.rows.items())
        return [Dropped(row, *match) for row, match in matches if match]
