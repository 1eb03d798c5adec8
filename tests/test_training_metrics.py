"""Metrics against figures worked out by hand and against scikit-learn."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from training.metrics import calibration_error, measure


def test_against_scikit_learn() -> None:
    random = np.random.default_rng(4)
    truth, predicted = random.integers(0, 5, 500), random.integers(0, 5, 500)
    metrics = measure(list("abcde"), truth, predicted, random.random(500))
    assert metrics.accuracy == pytest.approx((truth == predicted).mean())
    assert metrics.macro_f1 == pytest.approx(f1_score(truth, predicted, average="macro"))
    assert metrics.weighted_f1 == pytest.approx(f1_score(truth, predicted, average="weighted"))
    assert metrics.n == 500


def test_confusion_counts_true_then_predicted() -> None:
    metrics = measure(["a", "b", "unseen"], np.array([0, 0, 1]), np.array([0, 1, 1]), np.full(3, 0.5))
    assert metrics.confusion == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]
    assert (metrics.per_class["b"].precision, metrics.per_class["b"].recall) == (0.5, 1.0)
    assert metrics.per_class["unseen"].support == 0
    assert metrics.macro_f1 == pytest.approx(2 / 3)  # of a and b; nothing is known about the third


def test_calibration_error() -> None:
    """Half right at 0.9 and all right at 0.6: (0.4 × 2 + 0.4 × 2) / 4."""
    correct = np.array([True, False, True, True])
    assert calibration_error(correct, np.array([0.9, 0.9, 0.6, 0.6])) == pytest.approx(0.4)
    assert calibration_error(np.array([True]), np.array([1.0])) == 0
