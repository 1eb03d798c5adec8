"""The calm model of a key: it finds habit, tilt and base, and says nothing wild where there is little to find."""

import numpy as np
import pytest
from scipy.special import expit, logit

from benchmarks.detection.calm_model import base_shift, fit_calm_model

DAY = 1440.0
WEEKDAY_NOON = np.array([12 * 60.0])


def test_base_habit_and_tilt_are_found():
    rng = np.random.default_rng(2)
    minute, source = np.sort(rng.uniform(0, 21 * DAY, 40_000)), rng.integers(0, 3, 40_000)
    true = -1.2 + 0.4 * np.sin(2 * np.pi * minute / DAY) + np.array([0.5, 0.0, -0.5])[source]
    negative = rng.random(minute.size) < expit(true)
    evidence = np.stack([negative, ~negative], axis=1).astype(float)
    assert fit_calm_model(minute, source, evidence).logits(minute, source) == pytest.approx(true, abs=0.15)
    wrong = rng.random(minute.size) < 0.1
    probable = np.where(negative ^ wrong, 0.9, 0.1)  # of a model that is never sure, and wrong as often
    soft = np.stack([probable, 1 - probable], axis=1)
    assert fit_calm_model(minute, source, soft).logits(minute, source) == pytest.approx(true, abs=0.25)


@pytest.mark.parametrize("negative", [False, True])
@pytest.mark.parametrize("size", [0, 1, 30])
def test_little_or_one_sided_history_gives_finite_ratios(size: int, negative: bool):
    evidence = np.tile([float(negative), float(not negative)], (size, 1))
    model = fit_calm_model(np.linspace(0, DAY, size), np.zeros(size, np.int64), evidence)
    assert 0.005 < expit(model.logits(WEEKDAY_NOON, np.array([0]))[0]) < 0.95


def test_a_source_that_is_not_in_the_history_has_no_tilt():
    model = fit_calm_model(np.zeros(50), np.zeros(50, np.int64), np.tile([1.0, 0.0], (50, 1)))
    known, other, another = model.logits(np.zeros(3), np.array([0, 7, 8]))
    assert known > other == another


def test_the_shift_of_another_model_is_found():
    rng = np.random.default_rng(3)
    negative = rng.random(5_000) < 0.4
    evidence = np.stack([negative, ~negative], axis=1).astype(float)
    shift = base_shift(np.full(5_000, logit(0.2)), evidence)
    assert shift == pytest.approx(logit(0.4) - logit(0.2), abs=0.1)
