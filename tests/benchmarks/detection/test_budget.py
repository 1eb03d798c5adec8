"""The threshold from a budget: calm histories drawn from the fit, and as many alarms on them as allowed."""

import numpy as np
import pytest

from benchmarks.detection import budget
from benchmarks.detection.alarms import alarms
from benchmarks.detection.population import key
from benchmarks.detection.shapes import harsh
from benchmarks.detection.streams import MINUTES_PER_DAY, MINUTES_PER_WEEK
from benchmarks.detection.switching import by_label, by_probability, fit_key
from benchmarks.detection.switching_filter import Settings

MINUTES = 4 * MINUTES_PER_DAY


@pytest.mark.parametrize("evidence", [by_label, by_probability])
def test_calm_scores_exceed_the_threshold_as_often_as_the_budget_says(evidence):
    stream = key(harsh, 24, np.random.default_rng(1))
    stories = evidence(stream)
    history = stories.where(stories.minute < MINUTES)
    fit = fit_key(history, MINUTES, Settings())
    scores = budget.calm_scores(fit, history, MINUTES, Settings(), np.random.default_rng(2))
    again = budget.calm_scores(fit, history, MINUTES, Settings(), np.random.default_rng(2))
    assert np.array_equal(scores, again)
    weeks = budget.REPLICAS * (MINUTES - budget.WARM_UP) / MINUTES_PER_WEEK
    for per_week in (1.0, 5.0):
        threshold = budget.threshold(per_week, scores)
        found = sum(len(alarms(each[budget.WARM_UP :], threshold)) for each in scores)
        assert found <= per_week * (1 - budget.RESERVE) * weeks
    assert found > 0
