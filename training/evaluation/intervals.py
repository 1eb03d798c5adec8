"""95 % confidence intervals of metrics: bootstrap for a whole set, Wilson's interval for a slice."""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from training.evaluation.metrics import BINS, bin_of, macro_f1

LEVEL = 0.95
RESAMPLES = 1000
CHUNK_CELLS = 1 << 20  # of the arrays for a part of the resamples: 8 MB each, whatever the size of the set


class Interval(NamedTuple):
    """The ends of a confidence interval of level LEVEL."""

    low: float
    high: float


def bootstrap(
    truth: NDArray[np.int64],
    probabilities: NDArray[np.floating],
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, Interval]:
    """Percentile intervals of accuracy, macro-F1 and calibration error (Efron 1979; rows drawn with replacement).

    Noise makes a calibration error larger, never smaller, and a resample is noisier than the sample. So its interval
    shows how far the figure varies, and lies too high where the error is small.

    Args:
        truth: (n,), the index of each true label.
        probabilities: (n, n_labels).
    """
    n, size = probabilities.shape
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    cells = truth * size + predicted  # (n,): indices into the flattened confusion matrix
    gaps, bins = (truth == predicted) - confidence, bin_of(confidence)
    random = np.random.default_rng(seed)
    height = max(1, CHUNK_CELLS // max(n, size * size))
    figures = []
    for start in range(0, resamples, height):
        rows = random.integers(0, n, (min(height, resamples - start), n))  # (resamples of this chunk, n)
        confusion = _count(cells[rows], size * size).reshape(-1, size, size)
        hits = np.trace(confusion, axis1=1, axis2=2)
        gap = _count(bins[rows], BINS, gaps[rows])
        figures.append(np.stack([hits / n, macro_f1(confusion), np.abs(gap).sum(1) / n]))
    edges = (1 - LEVEL) / 2, (1 + LEVEL) / 2
    low, high = np.quantile(np.concatenate(figures, axis=1), edges, axis=1).tolist()  # (figures,) each
    return dict(zip(("accuracy", "macro_f1", "ece"), map(Interval, low, high), strict=True))


def ratio_interval(right: int, n: int) -> Interval:
    """Wilson's interval (1927) of the ratio right / n.

    Unlike a bootstrap it stays wide where all of a few are right.
    """
    interval = binomtest(right, n).proportion_ci(LEVEL, method="wilson")
    return Interval(float(interval.low), float(interval.high))


def _count(values: NDArray[np.int64], size: int, weights: NDArray[Any] | None = None) -> NDArray[Any]:
    """How often each of 0 ... size - 1 occurs in each row of `values`, (height, n), or its weight: (height, size)."""
    height = len(values)
    offset = values + size * np.arange(height)[:, None]
    flat = None if weights is None else weights.ravel()
    return np.bincount(offset.ravel(), flat, height * size).reshape(height, size)
