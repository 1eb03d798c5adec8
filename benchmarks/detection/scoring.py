"""Scores by episode: what an alarm is worth, not a minute."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from benchmarks.detection.alarms import Threshold, alarms
from benchmarks.detection.streams import MINUTES_PER_WEEK, Floats, Stream, Surge

AFTERMATH: Final = 60  # minutes after a surge in which an alarm is neither false nor a detection


class Episode(NamedTuple):
    """What became of one surge. Minutes; None where it was not detected."""

    surge: Surge
    delay: float | None
    clear_after: float | None  # from the surge's end to the alarm's, negative if that came first

    @property
    def counts(self) -> bool:
        """Whether it is one of those that recall is stated for."""
        return self.surge.odds_ratio >= 3 and self.surge.hours >= 2


@dataclass(frozen=True)
class Outcome:
    """What one detector did on the test part of one stream."""

    episodes: tuple[Episode, ...]
    false_alarms: int
    calm_minutes: float
    false_minutes: float  # of them spent firing


def outcome(scores: Floats, stream: Stream, threshold: Threshold) -> Outcome:
    """Compare the alarms of `scores`, (minutes,) of the whole stream, with the surges behind its history."""
    return compared(alarms(scores[stream.history :], threshold) + stream.history, stream)


def compared(found: NDArray[np.int64], stream: Stream) -> Outcome:
    """Compare alarms, (alarms, 2) first and last minutes behind the history, with the surges there."""
    starts, ends = found[:, 0], found[:, 1]
    false, calm = np.ones(len(found), dtype=bool), np.ones(stream.minutes, dtype=bool)
    calm[: stream.history] = False
    episodes = []
    for surge in stream.test_surges:
        false &= (starts < surge.start) | (starts > surge.end + AFTERMATH)
        calm[int(surge.start) : int(surge.end) + AFTERMATH] = False
        inside = np.flatnonzero((starts >= surge.start) & (starts <= surge.end))
        if inside.size:
            first = inside[0]
            episodes.append(Episode(surge, starts[first] - surge.start, ends[first] - surge.end))
        else:
            episodes.append(Episode(surge, None, None))
    firing = np.zeros(stream.minutes, dtype=bool)
    for start, end in found[false]:
        firing[start:end] = True
    return Outcome(tuple(episodes), int(false.sum()), float(calm.sum()), float((firing & calm).sum()))


def false_alarms_per_week(outcomes: Sequence[Outcome]) -> float:
    """Per key and week of calm time."""
    minutes = sum(outcome.calm_minutes for outcome in outcomes)
    return sum(outcome.false_alarms for outcome in outcomes) / minutes * MINUTES_PER_WEEK


def threshold_for(
    per_week: float, scores: Sequence[Floats], streams: Sequence[Stream], clear: Callable[[float], float]
) -> Threshold:
    """The lowest threshold, to a thousandth of the scores, with at most `per_week` false alarms a key and week."""
    candidates = _levels(scores, streams)
    low, high = 0, len(candidates) - 1
    while low < high:
        middle = (low + high) // 2
        threshold = Threshold(candidates[middle], clear(candidates[middle]))
        found = [outcome(each, stream, threshold) for each, stream in zip(scores, streams, strict=True)]
        low, high = (middle + 1, high) if false_alarms_per_week(found) > per_week else (low, middle)
    return Threshold(candidates[low], clear(candidates[low]))


def _levels(scores: Sequence[Floats], streams: Sequence[Stream]) -> NDArray[np.float64]:
    """Distinct scores of the test parts from the median up, ascending, finer where they are rare."""
    every = np.concatenate([each[stream.history :] for each, stream in zip(scores, streams, strict=True)])
    every = np.sort(every[np.isfinite(every)])
    exceeding = np.unique(np.geomspace(1, every.size / 2, 1000).astype(int))
    return np.unique(np.append(every[-exceeding], np.nextafter(every[-1], np.inf)))


def recall(outcomes: Sequence[Outcome]) -> float:
    """Of surges of odds ratio ≥ 3 that last ≥ 2 h."""
    episodes = _counted(outcomes)
    return sum(episode.delay is not None for episode in episodes) / len(episodes)


def delays(outcomes: Sequence[Outcome]) -> Floats:
    """Minutes to detect, of those that were detected."""
    return np.array([e.delay for e in _counted(outcomes) if e.delay is not None])


def median_delay(outcomes: Sequence[Outcome]) -> float:
    """Median of `delays`; not a number where nothing was detected."""
    waited = delays(outcomes)
    return float(np.median(waited)) if waited.size else float("nan")


def time_firing(outcomes: Sequence[Outcome]) -> float:
    """Part of the calm time in which a false alarm fired."""
    return sum(each.false_minutes for each in outcomes) / sum(each.calm_minutes for each in outcomes)


def clear_times(outcomes: Sequence[Outcome]) -> Floats:
    """Minutes from the end of a surge to that of its alarm."""
    return np.array([e.clear_after for e in _counted(outcomes) if e.clear_after is not None])


def _counted(outcomes: Sequence[Outcome]) -> list[Episode]:
    return [episode for each in outcomes for episode in each.episodes if episode.counts]


def interval(
    statistic: Callable[[Sequence[Outcome]], float],
    outcomes: Sequence[Outcome],
    rng: np.random.Generator,
    resamples: int = 500,
) -> tuple[float, float]:
    """A 95 % bootstrap interval over keys: surges of one key share its habits."""
    drawn = rng.integers(0, len(outcomes), size=(resamples, len(outcomes)))
    values = [statistic([outcomes[i] for i in row]) for row in drawn]
    low, high = np.nanpercentile(values, [2.5, 97.5])
    return float(low), float(high)
