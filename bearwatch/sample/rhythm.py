"""The arrival rate of documents: high in office hours, low in nights and weekends. Times are UTC."""

import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from bearwatch.core.streams import Stream

# Originals per hour on a weekday, by hour UTC: Asia in the small hours, Europe from 6, New York from 12 to 21.
_HOURLY: dict[Stream, tuple[float, ...]] = {
    "news": (7, 7, 7, 6, 7, 10, 18, 26, 30, 28, 25, 25, 31, 37, 40, 36, 32, 30, 26, 24, 28, 22, 13, 9),
    "comments": (10, 8, 7, 5, 5, 6, 9, 13, 16, 16, 15, 16, 22, 30, 34, 30, 26, 25, 24, 25, 24, 18, 14, 12),
}
_WEEKEND: dict[Stream, float] = {"news": 0.35, "comments": 0.6}


def originals_per_second(stream: Stream, time: float) -> float:
    """New stories per second at `time` (Unix seconds), surges aside."""
    moment = datetime.fromtimestamp(time, UTC)
    weekend = _WEEKEND[stream] if moment.weekday() >= 5 else 1.0
    return _HOURLY[stream][moment.hour] * weekend / 3600


def arrivals(
    rate: Callable[[float], float], peak: float, start: float, end: float, rng: random.Random
) -> Iterator[float]:
    """Times of an inhomogeneous Poisson process on [start, end), to the millisecond, by thinning.

    `peak` bounds `rate` from above, both per second (Lewis and Shedler, 1979).
    """
    time = start
    while (time := time + rng.expovariate(peak)) < end:
        if rng.random() * peak < rate(time):
            yield time


def peak_per_second(stream: Stream) -> float:
    """The highest value of `originals_per_second`."""
    return max(_HOURLY[stream]) / 3600
