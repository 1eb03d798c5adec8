"""A detector of our own beside the filter: a scan of score tests over windows of many lengths.

The excess of negative stories over what the key's calm model expects, in standard deviations that hold both the
labels' chance and what the wandering does to a window of that length; the largest over the windows.
"""

import numpy as np
from scipy.special import expit

from benchmarks.detection.streams import Floats, Stream
from benchmarks.detection.switching import Fit, Stories
from benchmarks.detection.windows import trailing

WINDOWS = (15, 30, 60, 120, 240)  # minutes


def scan(stream: Stream, fit: Fit, stories: Stories) -> Floats:
    """The largest standardised excess at each minute; (minutes,)."""
    expected = expit(fit.calm.logits(stories.minute, stories.source))
    at = stories.minute.astype(np.int64)
    excess = np.bincount(at, stories.evidence[:, 0] - expected, minlength=stream.minutes)
    variance = np.bincount(at, expected * (1 - expected), minlength=stream.minutes)
    scores = []
    for minutes in WINDOWS:
        spread = trailing(variance, minutes)
        wandered = _variance_of_mean(fit.wandering.sd, minutes / fit.wandering.minutes) * spread**2
        scores.append(trailing(excess, minutes) / np.sqrt(np.maximum(spread + wandered, 0.5)))
    largest: Floats = np.max(scores, axis=0)
    return largest


def _variance_of_mean(sd: float, length: float) -> float:
    """Of an Ornstein-Uhlenbeck process over `length` time constants."""
    return float(2 * sd**2 * (length - 1 + np.exp(-length)) / length**2)
