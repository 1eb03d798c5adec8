"""Metrics against figures worked out by hand and against scikit-learn."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, f1_score

from training.evaluation.metrics import (
    Metrics,
    ReliabilityBin,
    brier_score,
    calibration_error,
    measure,
    most_confused_with,
    reliability,
)


def sure(predicted: NDArray[np.int64], labels: int, confidence: float = 0.9) -> NDArray[np.float64]:
    """(n, labels): `confidence` for the predicted label, the rest shared out."""
    rest = (1 - confidence) / (labels - 1)
    return np.where(np.eye(labels)[predicted] > 0, confidence, rest)


def test_against_scikit_learn() -> None:
    random = np.random.default_rng(4)
    truth, predicted = random.integers(0, 5, 500), random.integers(0, 5, 500)
    metrics = measure(list("abcde"), truth, sure(predicted, 5))
    assert metrics.accuracy == pytest.approx((truth == predicted).mean())
    assert metrics.macro_f1 == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert metrics.weighted_f1 == pytest.approx(f1_score(truth, predicted, average="weighted"))
    expected = brier_score_loss(truth, sure(predicted, 5), scale_by_half=False)
    assert metrics.brier == pytest.approx(expected)
    assert metrics.n == 500


def example() -> Metrics:
    return measure(["a", "b", "unseen"], np.array([0, 0, 1]), sure(np.array([0, 1, 1]), 3, 0.5))


def test_confusion_counts_true_then_predicted() -> None:
    metrics = example()
    assert metrics.confusion == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert (metrics.per_class["b"].precision, metrics.per_class["b"].recall) == (0.5, 1.0)
    assert metrics.per_class["unseen"].support == 0
    assert metrics.macro_f1 == pytest.approx(2 / 3)  # of a and b; nothing is known about the third
    assert most_confused_with(metrics) == {"a": ("b", 1), "b": None, "unseen": None}


def test_brier_score() -> None:
    """0.3² + 0.2² + 0.1² where the truth has 0.7; 0.6² + 0.7² + 0.1² where it has 0.3."""
    probabilities = np.array([[0.7, 0.2, 0.1], [0.6, 0.3, 0.1]])
    assert brier_score(np.array([0, 1]), probabilities) == pytest.approx((0.14 + 0.86) / 2)
    assert brier_score(np.array([0, 1]), np.array([[1.0, 0.0], [0.0, 1.0]])) == 0
    assert brier_score(np.array([1]), np.array([[1.0, 0.0]])) == 2


def test_calibration_error() -> None:
    """Half right at 0.9 and all right at 0.6: (0.4 × 2 + 0.4 × 2) / 4."""
    correct = np.array([True, False, True, True])
    assert calibration_error(correct, np.array([0.9, 0.9, 0.6, 0.6])) == pytest.approx(0.4)
    assert calibration_error(np.array([True]), np.array([1.0])) == 0


def test_reliability_adds_up_to_the_calibration_error() -> None:
    correct, confidence = np.array([True, False, True, True]), np.array([0.9, 1.0, 0.6, 0.6])
    bins = reliability(correct, confidence, bins=2)
    assert bins == (ReliabilityBin(0.0, 0.5, 0, None, None), ReliabilityBin(0.5, 1.0, 4, 0.75, 0.775))
    random = np.random.default_rng(3)
    confidence = random.random(1000)
    correct = random.random(1000) < confidence**2
    gaps = [
        one.n * abs(one.accuracy - one.confidence)
        for one in reliability(correct, confidence)
        if one.accuracy is not None and one.confidence is not None
    ]
    assert sum(gaps) / 1000 == pytest.approx(calibration_error(correct, confidence))
