"""Sums over trailing windows, and what charts compare them with."""

import numpy as np
from scipy.signal import lfilter

from benchmarks.detection.streams import MINUTES_PER_HOUR, Floats


def trailing(values: Floats, minutes: int) -> Floats:
    """The sum of the last `minutes` values at each minute, fewer at the beginning; (minutes of the stream,)."""
    total = np.concatenate([[0.0], np.cumsum(values)])
    end = np.arange(1, values.size + 1)
    return total[end] - total[np.maximum(end - minutes, 0)]


def delayed(values: Floats, minutes: int) -> Floats:
    """The values of so many minutes before; not a number at the beginning."""
    return np.concatenate([np.full(min(minutes, values.size), np.nan), values[:-minutes]])


def ratio(negative: Floats, stories: Floats) -> Floats:
    """negative / stories, not a number where there are no stories."""
    return np.divide(negative, stories, out=np.full(stories.size, np.nan), where=stories > 0)


def usual_ratio(
    stories: Floats, negative: Floats, half_life_hours: float = 168, lag_hours: int = 6
) -> Floats:
    """The decayed ratio of negative stories up to `lag_hours` before, by whole hours; (minutes,)."""
    keep = 0.5 ** (1 / half_life_hours)
    sums = []
    for values, pseudo in ((stories, 20.0), (negative, 4.0)):
        hourly = values.reshape(-1, MINUTES_PER_HOUR).sum(axis=1)
        decayed = lfilter([1], [1, -keep], hourly)
        known = np.concatenate([np.zeros(lag_hours), decayed[:-lag_hours]]) + pseudo
        sums.append(np.repeat(known, MINUTES_PER_HOUR))
    usual: Floats = sums[1] / sums[0]
    return usual
