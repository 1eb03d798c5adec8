"""Charts: sums over windows are right, nobody looks ahead, and a large surge stands out in each."""

import numpy as np
import pytest

from benchmarks.detection.lineup import CHARTS
from benchmarks.detection.shapes import plain
from benchmarks.detection.simulate import simulate
from benchmarks.detection.streams import MINUTES_PER_DAY, MINUTES_PER_WEEK, Stream, Surge
from benchmarks.detection.windows import delayed, ratio, trailing

BEGIN = 15 * MINUTES_PER_DAY


def stream() -> Stream:
    rng = np.random.default_rng(1)
    surge = Surge(float(BEGIN), 4, 8.0, False)
    return simulate(plain(240, rng), 3 * MINUTES_PER_WEEK, MINUTES_PER_WEEK, [surge], rng)


def test_windows():
    values = np.array([1.0, 2, 3, 4])
    assert trailing(values, 2).tolist() == [1, 3, 5, 7]
    assert delayed(values, 1)[1:].tolist() == [1, 2, 3]
    assert np.isnan([*delayed(values, 9), ratio(np.zeros(1), np.zeros(1))[0]]).all()


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_a_large_surge_is_among_the_highest_scores(name: str):
    scores = CHARTS[name](stream())
    assert scores.shape == (3 * MINUTES_PER_WEEK,)
    behind = scores[MINUTES_PER_WEEK:]
    highest = np.nanmax(scores[BEGIN : BEGIN + 240])
    assert np.nanmean(behind >= highest) < 0.01


@pytest.mark.parametrize("name", sorted(CHARTS))
def test_what_comes_later_does_not_change_a_score(name: str):
    whole = stream()
    known = whole.minute < BEGIN
    cut = whole.with_stories(whole.minute[known], whole.probability[known], whole.source[known])
    before = slice(MINUTES_PER_WEEK, BEGIN)
    assert CHARTS[name](cut)[before] == pytest.approx(CHARTS[name](whole)[before], nan_ok=True)
