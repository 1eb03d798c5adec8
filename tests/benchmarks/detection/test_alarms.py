"""From scores to alarms: two in a row start one, ten below the clear level end it."""

import numpy as np

from benchmarks.detection.alarms import Threshold, alarms

THRESHOLD = Threshold(fire=1.0, clear=0.0)


def found(*stretches: tuple[float, int]) -> list[list[int]]:
    """Alarms of scores given as (score, minutes)."""
    return alarms(np.concatenate([np.full(n, score) for score, n in stretches]), THRESHOLD).tolist()


def test_one_minute_is_no_alarm_and_two_are():
    assert found((-1.0, 5), (2.0, 1), (-1.0, 20)) == []
    assert found((-1.0, 5), (2.0, 2), (-1.0, 20)) == [[6, 16]]


def test_it_holds_above_the_clear_level():
    assert found((2.0, 2), (0.5, 100), (-1.0, 10)) == [[1, 111]]
    assert found((2.0, 2), (-1.0, 9), (0.5, 1), (-1.0, 10)) == [[1, 21]]


def test_nothing_fires_during_the_cool_down():
    assert found((2.0, 2), (-1.0, 10), (2.0, 40)) == [[1, 11], [26, 52]]


def test_a_score_that_is_not_a_number_neither_starts_nor_holds():
    assert found((np.nan, 10), (2.0, 2), (np.nan, 30)) == [[11, 21]]
