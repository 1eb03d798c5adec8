"""How good are predicted probabilities? Accuracy, F1, confusion and calibration error, from arrays alone."""

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
    """`confusion[true][predicted]` counts, both in the order of the head's labels."""

    accuracy: float
    macro_f1: float
    weighted_f1: float
    per_class: dict[str, ClassMetrics]
    confusion: list[list[int]]
    ece: float
    n: int


def measure(
    labels: Sequence[str],
    truth: NDArray[np.int64],
    predicted: NDArray[np.int64],
    confidence: NDArray[np.float64],
) -> Metrics:
    """Metrics of n predictions; all arrays are (n,), `confidence` is the probability of the predicted label.

    A class that is neither true nor predicted anywhere has an F1 of 0 and does not enter the macro F1.
    """
    confusion = np.zeros((len(labels), len(labels)), np.int64)
    np.add.at(confusion, (truth, predicted), 1)
    hits, support, claimed = confusion.diagonal(), confusion.sum(1), confusion.sum(0)
    precision = hits / np.maximum(claimed, 1)
    recall = hits / np.maximum(support, 1)
    f1 = 2 * hits / np.maximum(support + claimed, 1)
    seen = support + claimed > 0
    return Metrics(
        accuracy=float(hits.sum() / len(truth)),
        macro_f1=float(f1[seen].mean()),
        weighted_f1=float((f1 * support).sum() / len(truth)),
        per_class={
            label: ClassMetrics(float(precision[i]), float(recall[i]), float(f1[i]), int(support[i]))
            for i, label in enumerate(labels)
        },
        confusion=confusion.tolist(),
        ece=calibration_error(truth == predicted, confidence),
        n=len(truth),
    )


def calibration_error(correct: NDArray[np.bool_], confidence: NDArray[np.float64], bins: int = BINS) -> float:
    """Expected calibration error: |accuracy − confidence| per bin of confidence, weighted by its share."""
    which = np.minimum((confidence * bins).astype(np.int64), bins - 1)
    gap = np.bincount(which, weights=correct - confidence, minlength=bins)  # (bins,): share × difference × n
    return float(np.abs(gap).sum() / len(correct))
