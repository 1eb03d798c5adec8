"""A simulated stream of one key, and what is known of it because it was simulated."""

from dataclasses import dataclass, replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.labels import Answers

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]

MINUTE: Final = 60.0
MINUTES_PER_HOUR: Final = 60
MINUTES_PER_DAY: Final = 24 * MINUTES_PER_HOUR
MINUTES_PER_WEEK: Final = 7 * MINUTES_PER_DAY


class Surge(NamedTuple):
    """A surge of known size. A ramp rises for an hour, at most for half of the surge; else it is there at once."""

    start: float  # minutes since the start of the stream
    hours: int
    odds_ratio: float
    ramp: bool

    @property
    def end(self) -> float:
        """Minutes since the start of the stream."""
        return self.start + self.hours * MINUTES_PER_HOUR


@dataclass(frozen=True)
class Truth:
    """What no detector is told: one value per story, in logits, for bounds only."""

    calm: Floats  # logit of the ratio of negative stories at that moment and source, surges left out
    settled: Floats  # the same without the wandering
    answers: Answers  # how the model answers
    wander_sd: float
    wander_minutes: float


class Copies(NamedTuple):
    """Syndicated copies that were recognised, in ascending order of time; they are not stories."""

    minute: Floats  # (copies,)
    negative: Bools  # (copies,) the label of their story


@dataclass(frozen=True)
class Stream:
    """Stories of one key in ascending order of time. The first `history` minutes are for calibration."""

    minute: Floats  # (n,) minutes since Monday, 00:00
    probability: Floats  # (n,) P(negative) by the model
    source: Ints  # (n,)
    copies: Copies
    minutes: int  # length of the whole
    history: int  # minutes
    surges: tuple[Surge, ...]
    truth: Truth

    @property
    def negative(self) -> Bools:
        """(n,) The model's label."""
        return self.probability >= 0.5

    def with_stories(
        self, minute: Floats, probability: Floats, source: Ints, copies: Copies | None = None
    ) -> "Stream":
        """The same key with other stories, in any order; of those no bound knows anything."""
        order = np.argsort(minute, kind="stable")
        unknown = np.full(minute.size, np.nan)
        return replace(
            self,
            minute=minute[order],
            probability=probability[order],
            source=source[order],
            copies=copies or self.copies,
            truth=replace(self.truth, calm=unknown, settled=unknown),
        )

    @property
    def test_surges(self) -> tuple[Surge, ...]:
        """Those behind the history."""
        return tuple(surge for surge in self.surges if surge.start >= self.history)

    def counts(self) -> tuple[Floats, Floats]:
        """Stories and negative stories of each minute, (minutes,) each."""
        at = self.minute.astype(np.int64)
        stories = np.bincount(at, minlength=self.minutes)
        negative = np.bincount(at[self.negative], minlength=self.minutes)
        return stories.astype(float), negative.astype(float)
