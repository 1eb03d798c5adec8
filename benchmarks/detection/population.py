"""The keys that a table is made of: streams with surges, 21 days of history and 28 of test."""

from collections.abc import Callable

import numpy as np

from benchmarks.detection.shapes import Shape
from benchmarks.detection.simulate import plan_surges, simulate
from benchmarks.detection.streams import MINUTES_PER_DAY, Stream

HISTORY_DAYS, TEST_DAYS = 21, 28
SURGES_OF_HISTORY = 3  # nobody has a history without any
Make = Callable[[float, np.random.Generator], Shape]


def keys(make: Make, rate: float, seed: int, count: int) -> list[Stream]:
    """`count` keys of `rate` stories an hour; the same for the same arguments."""
    return [key(make, rate, np.random.default_rng([seed, int(rate), number])) for number in range(count)]


def key(make: Make, rate: float, rng: np.random.Generator) -> Stream:
    """One key with surges in its history and, one each 42 hours, in its test."""
    shape = make(rate, rng)
    history, minutes = HISTORY_DAYS * MINUTES_PER_DAY, (HISTORY_DAYS + TEST_DAYS) * MINUTES_PER_DAY
    past = plan_surges(0, history, rng)
    chosen = sorted(rng.choice(len(past), size=SURGES_OF_HISTORY, replace=False))
    surges = [*(past[i] for i in chosen), *plan_surges(history, minutes, rng)]
    return simulate(shape, minutes, history, surges, rng)
