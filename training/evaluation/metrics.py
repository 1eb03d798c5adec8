"""Metrics of predicted probabilities, from arrays alone: accuracy, F1, confusion, calibration error, Brier score."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BINS = 15  # of the calibration error, as in Guo et al. 2017


@dataclass(frozen=True, slots=True)
class ClassMetrics:
    """Metrics of one label; `support`: how many texts have it."""

    precision: float
    recall: float
    f1: float
    support: int


@dataclass(frozen=True, slots=True)
class Metrics:
    """Metrics of one head. `confusion[true][predicted]` are counts, both in the order of the head's labels.

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
    """The answers with a confidence in [low, high); the last bin includes 1. None where there are no answers."""

    low: float
    high: float
    n: int
    accuracy: float | None
    confidence: float | None


def measure(labels: Sequence[str], truth: NDArray[np.int64], probabilities: NDArray[np.floating]) -> Metrics:
    """Metrics of n predictions: `truth`, (n,), are indices of `labels`; `probabilities` are (n, n_labels).

    A label that is neither true nor predicted anywhere has an F1 of 0 and does not count in the macro-F1.
    """
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    hits, support, predictions = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    precision = hits / np.maximum(predictions, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + predictions, 1)
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


def most_confused_with(metrics: Metrics) -> dict[str, tuple[str, int] | None]:
    """Label -> the label most often predicted instead of it and how often; None where its answers are all right."""
    labels = list(metrics.per_class)
    confusions: dict[str, tuple[str, int] | None] = {}
    for label, row in zip(labels, metrics.confusion, strict=True):
        mistakes = {other: count for other, count in zip(labels, row, strict=True) if other != label}
        worst = max(mistakes, key=lambda other: mistakes[other])
        confusions[label] = (worst, mistakes[worst]) if mistakes[worst] else None
    return confusions


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
    expected = np.eye(probabilities.shape[1])[truth]  # (n, n_labels)
    return float(((probabilities - expected) ** 2).sum(1).mean())


def calibration_error(
    correct: NDArray[np.bool_], confidence: NDArray[np.floating], bins: int = BINS
) -> float:
    """Expected calibration error: |accuracy − confidence| per bin of confidence, weighted by the bin's answers.

    `correct` and `confidence` are (n,). Guo et al. 2017, "On Calibration of Modern Neural Networks".
    """
    # (bins,): difference × answers of the bin
    gap = np.bincount(bin_of(confidence, bins), correct - confidence, bins)
    return float(np.abs(gap).sum() / len(correct))


def reliability(
    correct: NDArray[np.bool_], confidence: NDArray[np.floating], bins: int = BINS
) -> tuple[ReliabilityBin, ...]:
    """The bins that the calibration error is summed over, for a reliability diagram; both arrays are (n,)."""
    which = bin_of(confidence, bins)
    counts = np.bincount(which, minlength=bins).tolist()
    right = np.bincount(which, correct, bins).tolist()
    confidences = np.bincount(which, confidence, bins).tolist()
    return tuple(
        ReliabilityBin(
            i / bins, (i + 1) / bins, n, right[i] / n if n else None, confidences[i] / n if n else None
        )
        for i, n in enumerate(counts)
    )


def bin_of(confidence: NDArray[np.floating], bins: int = BINS) -> NDArray[np.int64]:
    """Confidences in [0, 1], (n,) -> the index of their bin, (n,); all bins have the same width."""
    return np.minimum((confidence * bins).astype(np.int64), bins - 1)
