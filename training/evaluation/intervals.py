"""How far chance alone could move a figure: 95 % intervals, of a whole set by bootstrap, of a slice by Wilson."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from training.evaluation.metrics import BINS, bin_of, macro_f1

LEVEL = 0.95
RESAMPLES = 1000
CHUNK_CELLS = 1 << 20  # of the arrays that hold some of the resamples: 8 MB each, whatever the set's size


class Interval(NamedTuple):
    low: float
    high: float


def bootstrap(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """Percentile intervals of accuracy, macro-F1 and calibration error (Efron 1979; rows drawn with replacement).

    Noise makes a calibration error larger, never smaller, and a resample is noisier than the sample: its interval
    tells how far the figure varies, and lies high where the error is small.

    Args:
        truth: (n,), places in the order of the labels.
        probabilities: (n, n_labels).
    """
    n, size = probabilities.shape
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    cells = truth * size + predicted  # (n,): of the confusion matrix, laid flat
    gaps, bins = (truth == predicted) - confidence, bin_of(confidence)
    random = np.random.default_rng(seed)
    height = max(1, CHUNK_CELLS // max(n, size * size))
    found = []
    for start in range(0, resamples, height):
        rows = random.integers(0, n, (min(height, resamples - start), n))  # (resamples of this chunk, n)
        confusion = _count(cells[rows], size * size).reshape(-1, size, size)
        hits = np.trace(confusion, axis1=1, axis2=2)
        gap = _count(bins[rows], BINS, gaps[rows])
        found.append(np.stack([hits / n, macro_f1(confusion), np.abs(gap).sum(1) / n]))
    edges = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    low, high = np.quantile(np.concatenate(found, axis=1), edges, axis=1).tolist()  # (figures,) each
    return dict(zip(("accuracy", "macro_f1", "ece"), map(Interval, low, high), strict=True))


def share_interval(right: int, n: int) -> Interval:
    """Of a share of n (Wilson 1927). Unlike a bootstrap it knows that five right of five do not prove perfection."""
    found = binomtest(right, n).proportion_ci(LEVEL, method="wilson")
    return Interval(float(found.low), float(found.high))


def _count(values: NDArray[np.int64], size: int, weights: NDArray[Any] | None = None) -> NDArray[Any]:
    """Of every row of (height, n) how often each of 0 ... size - 1 is there, or its weight: (height, size)."""
    height = len(values)
    apart = values + size * np.arange(height)[:, None]
    flat = None if weights is None else weights.ravel()
    return np.bincount(apart.ravel(), flat, height * size).reshape(height, size)
