"""Intervals against theory: as wide as the binomial says, over the truth as often as they claim, the same by seed."""

import numpy as np
import pytest
from scipy.stats import binom

import training.evaluation.intervals
from training.evaluation.intervals import bootstrap, ratio_interval
from training.evaluation.metrics import measure


def answers(random: np.random.Generator, n: int, accuracy: float) -> tuple[np.ndarray, np.ndarray]:
    """Truth (n,) and probabilities (n, 3) of a model that is right with `accuracy` and says so."""
    truth = random.integers(0, 3, n)
    predicted = np.where(random.random(n) < accuracy, truth, (truth + random.integers(1, 3, n)) % 3)
    return truth, np.where(np.eye(3)[predicted] > 0, accuracy, (1 - accuracy) / 2)


def test_accuracy_varies_as_the_binomial_says() -> None:
    truth, probabilities = answers(np.random.default_rng(2), 400, 0.8)
    right = (probabilities.argmax(1) == truth).mean()
    interval = bootstrap(truth, probabilities, seed=1, resamples=5000)["accuracy"]
    assert interval == pytest.approx(binom.ppf((0.025, 0.975), 400, right) / 400, abs=0.005)


def test_figures_lie_in_their_intervals() -> None:
    truth, probabilities = answers(np.random.default_rng(5), 600, 0.7)
    figures = measure(list("abc"), truth, probabilities)
    intervals = bootstrap(truth, probabilities, seed=1)
    assert list(intervals) == ["accuracy", "macro_f1", "ece"]
    assert intervals["accuracy"].low < figures.accuracy < intervals["accuracy"].high
    assert intervals["macro_f1"].low < figures.macro_f1 < intervals["macro_f1"].high


def test_the_truth_is_covered_as_often_as_claimed() -> None:
    """40 samples of one population: 95 % of 40 is 38; fewer than 34 would come once in a hundred times."""
    random, covered = np.random.default_rng(8), 0
    for _ in range(40):
        low, high = bootstrap(*answers(random, 300, 0.75), seed=1, resamples=400)["accuracy"]
        covered += low <= 0.75 <= high
    assert covered >= 34


def test_calibration_error_of_a_model_that_is_too_sure() -> None:
    """It claims 0.95 and is right in 0.8: off by 0.15, up to chance, which moves it by 0.03 at n = 600."""
    truth, probabilities = answers(np.random.default_rng(6), 600, 0.8)
    claimed = np.where(probabilities == 0.8, 0.95, 0.025)
    low, high = bootstrap(truth, claimed, seed=1)["ece"]
    assert 0.1 < low < 0.15 < high < 0.2


def test_same_seed_same_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    sample = answers(np.random.default_rng(7), 200, 0.7)
    first = bootstrap(*sample, seed=3)
    assert bootstrap(*sample, seed=3) == first
    assert bootstrap(*sample, seed=4) != first
    monkeypatch.setattr(training.evaluation.intervals, "CHUNK_CELLS", 1000)  # five resamples at a time
    assert bootstrap(*sample, seed=3) == first


def test_one_row() -> None:
    intervals = bootstrap(np.array([0]), np.array([[0.75, 0.25]]), seed=1, resamples=10)
    assert intervals == {"accuracy": (1.0, 1.0), "macro_f1": (1.0, 1.0), "ece": (0.25, 0.25)}


def test_share() -> None:
    """Five of five: Wilson's lower end is n / (n + z²) = 5 / (5 + 1.96²)."""
    assert ratio_interval(5, 5) == pytest.approx((5 / (5 + 1.959964**2), 1.0))
    low, high = ratio_interval(80, 100)
    assert low == pytest.approx(0.711, abs=5e-4)
    assert high == pytest.approx(0.867, abs=5e-4)
