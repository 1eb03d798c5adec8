"""From scores to alarms, and the threshold that gives so many of them."""

from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

CONSECUTIVE: Final = 2  # minutes in a row at or above the threshold before an alarm starts
CLEAR: Final = 10  # minutes in a row below the clear level before it ends
COOL_DOWN: Final = 15  # minutes after its end


class Threshold(NamedTuple):
    """An alarm starts at `fire` and holds until the score is below `clear`."""

    fire: float
    clear: float


def alarms(scores: Floats, threshold: Threshold) -> NDArray[np.int64]:
    """First and last minute of each alarm, (alarms, 2). A score that is not a number neither starts nor holds one."""
    found: NDArray[np.int64] = _alarms(scores, threshold.fire, threshold.clear)
    return found


@njit(cache=True)
def _alarms(scores, fire, clear):
    found = np.empty((scores.size, 2), np.int64)
    size, above, below, ready, firing = 0, 0, 0, 0, False
    for minute in range(scores.size):
        score = scores[minute]
        if firing:
            below = 0 if score >= clear else below + 1
            if below >= CLEAR:
                found[size - 1, 1] = minute
                firing, above, ready = False, 0, minute + COOL_DOWN
        else:
            above = above + 1 if score >= fire else 0
            if above >= CONSECUTIVE and minute >= ready:
                firing, below = True, 0
                found[size, 0], found[size, 1] = minute, scores.size
                size += 1
    return found[:size].copy()
