"""How many stories of one source count: nobody fills a window alone.

A token bucket for each source (Turner 1986, "New directions in communications"): it holds CAPACITY_HOURS of what the
source usually writes in an hour times GENEROSITY, at least FEWEST, and refills at that speed. Stories beyond it are no
evidence.
"""

from typing import Final

import numpy as np
from numba import njit

from benchmarks.detection.streams import MINUTES_PER_HOUR, Bools, Floats, Ints

GENEROSITY: Final = 3.0
CAPACITY_HOURS: Final = 1.0
FEWEST: Final = 3.0  # of a source that has hardly written before; it regains one an hour
SLOWEST: Final = 1.0


def hourly_rates(source: Ints, minutes: int, sources: int) -> Floats:
    """Stories an hour of each source over a history; (sources,), 0 for those that are not in it."""
    return np.bincount(source, minlength=sources)[:sources] / minutes * MINUTES_PER_HOUR


def within_limit(minute: Floats, source: Ints, rates: Floats) -> Bools:
    """Which stories count, (n,); a source beyond `rates` has rate 0."""
    known = np.where(source < rates.size, rates[np.minimum(source, rates.size - 1)], 0.0) * GENEROSITY
    capacity = np.maximum(known * CAPACITY_HOURS, FEWEST)
    refill = np.maximum(known, SLOWEST) / MINUTES_PER_HOUR
    allowed: Bools = _within(minute, source, capacity, refill, int(source.max(initial=0)) + 1)
    return allowed


@njit(cache=True)
def _within(minute, source, capacity, refill, sources):
    allowed = np.zeros(minute.size, np.bool_)
    tokens, last = np.full(sources, np.inf), np.zeros(sources)
    for i in range(minute.size):
        s = source[i]
        tokens[s] = min(capacity[i], tokens[s] + (minute[i] - last[s]) * refill[i])
        last[s] = minute[i]
        if tokens[s] >= 1:
            tokens[s] -= 1
            allowed[i] = True
    return allowed
