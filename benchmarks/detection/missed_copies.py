"""Stories that are probably copies: where many copies were recognised, some were not.

For every recognised copy a part MISSED of another one is expected among the stories of the same label that follow.
Once such parts make a whole, the next story of that label is taken for the copy, and is no evidence. Expectations
fade, as copies come within hours.
"""

from typing import Final

import numpy as np
from numba import njit

from benchmarks.detection.streams import Bools, Copies, Floats

MISSED: Final = 0.06  # copies that count as stories, for each recognised one; one in twenty is 0.053
FADES: Final = 120.0  # time constant in minutes


def likely_copies(minute: Floats, negative: Bools, copies: Copies) -> Bools:
    """Which of the stories, (n,), are taken for copies."""
    likely: Bools = _likely(
        minute, negative.astype(np.int64), copies.minute, copies.negative.astype(np.int64)
    )
    return likely


@njit(cache=True)
def _likely(minute, label, copy_minute, copy_label):
    likely = np.zeros(minute.size, np.bool_)
    expected, last, first = np.zeros(2), 0.0, 0
    for i in range(minute.size):
        while first < copy_minute.size and copy_minute[first] <= minute[i]:
            expected *= np.exp((last - copy_minute[first]) / FADES)
            expected[copy_label[first]] += MISSED
            last = copy_minute[first]
            first += 1
        expected *= np.exp((last - minute[i]) / FADES)
        last = minute[i]
        if expected[label[i]] >= 1:
            expected[label[i]] -= 1
            likely[i] = True
    return likely
