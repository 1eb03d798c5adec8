"""How good are predicted probabilities? Accuracy, F1, confusion, calibration and Brier score, from arrays alone."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15  # of the calibration error, as in Guo et al. 2017


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """`confusion[true][predicted]` counts, both in the order of the head's labels.

    `brier`: from 0 to 2, see `brier_score`. `ece`: see `calibration_error`.
    """

    accuracy: float
    macro_f1: float
    weighted_f1: float
    per_class: dict[str, ClassMetrics]
    confusion: list[list[int]]
    ece: float
    brier: float
    n: int


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """The answers with a confidence in [low, high); the last bin takes 1 as well. None where there are no answers."""

    low: float
    high: float
    n: int
    accuracy: float | None
    confidence: float | None


def measure(labels: Sequence[str], truth: NDArray[np.int64], probabilities: NDArray[np.floating]) -> Metrics:
    """Metrics of n predictions: `truth` (n,) are places in `labels`, `probabilities` (n, n_labels) in their order.

    A class that is neither true nor predicted anywhere has an F1 of 0 and does not enter the macro F1.
    """
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    hits, support, claimed = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    precision = hits / np.maximum(claimed, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + claimed, 1)
    return Metrics(
        accuracy=float(hits.sum() / len(truth)),
        macro_f1=float(macro_f1(confusion)),
        weighted_f1=float((f1 * support).sum() / len(truth)),
        per_class={
            label: ClassMetrics(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, label in enumerate(labels)
        },
        confusion=confusion.tolist(),
        ece=calibration_error(truth == predicted, confidence),
        brier=brier_score(truth, probabilities),
        n=len(truth),
    )


def taken_for(metrics: Metrics) -> dict[str, tuple[str, int] | None]:
    """Label -> the other label that it is most often taken for and how often; None where it never is."""
    labels = list(metrics.per_class)
    found: dict[str, tuple[str, int] | None] = {}
    for label, row in zip(labels, metrics.confusion, strict=True):
        mistakes = {other: count for other, count in zip(labels, row, strict=True) if other != label}
        worst = max(mistakes, key=lambda other: mistakes[other])
        found[label] = (worst, mistakes[worst]) if mistakes[worst] else None
    return found


def macro_f1(confusion: NDArray[np.int64]) -> NDArray[np.float64]:
    """(..., n_labels, n_labels) -> (...): the mean F1 of the classes that are true or predicted somewhere."""
    hits = np.diagonal(confusion, axis1=-2, axis2=-1)
    marginals = confusion.sum(-1) + confusion.sum(-2)  # (..., n_labels): true plus predicted
    f1 = 2 * hits / np.maximum(marginals, 1)
    mean: NDArray[np.float64] = f1.sum(-1) / (marginals > 0).sum(-1)
    return mean


def brier_score(truth: NDArray[np.int64], probabilities: NDArray[np.floating]) -> float:
    """Mean over the rows of the sum over the classes of (probability − 1 if true else 0)².

    Brier 1950, "Verification of forecasts expressed in terms of probability": 0 is perfect, 2 is certain and wrong.
    """
    wanted = np.eye(probabilities.shape[1])[truth]  # (n, n_labels)
    return float(((probabilities - wanted) ** 2).sum(1).mean())


def calibration_error(
    correct: NDArray[np.bool_], confidence: NDArray[np.floating], bins: int = BINS
) -> float:
    """Expected calibration error: |accuracy − confidence| per bin of confidence, weighted by its share."""
    gap = np.bincount(bin_of(confidence, bins), correct - confidence, bins)  # (bins,): share × difference × n
    return float(np.abs(gap).sum() / len(correct))


def reliability(
    correct: NDArray[np.bool_], confidence: NDArray[np.floating], bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """What the calibration error adds up, bin by bin; both arrays are (n,)."""
    which = bin_of(confidence, bins)
    counts = np.bincount(which, minlength=bins).tolist()
    right = np.bincount(which, correct, bins).tolist()
    claimed = np.bincount(which, confidence, bins).tolist()
    return tuple(
        ReliabilityBin(
            i / bins, (i + 1) / bins, n, right[i] / n if n else None, claimed[i] / n if n else None
        )
        for i, n in enumerate(counts)
    )


def bin_of(confidence: NDArray[np.floating], bins: int = BINS) -> NDArray[np.int64]:
    """(n,) of confidences in [0, 1] -> (n,) of equally wide bins."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)
