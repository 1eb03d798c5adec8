"""Episodes: what is a detection, what a false alarm, and the threshold that gives so many of those."""

import numpy as np
import pytest

from benchmarks.detection.labels import NEWS
from benchmarks.detection.scoring import (
    compared,
    delays,
    false_alarms_per_week,
    interval,
    outcome,
    recall,
    threshold_for,
)
from benchmarks.detection.streams import MINUTES_PER_WEEK, Copies, Stream, Surge, Truth

NOTHING = np.empty(0)
COPIES = Copies(NOTHING, np.empty(0, bool))


def stream(*surges: Surge, minutes: int = MINUTES_PER_WEEK, history: int = 0) -> Stream:
    truth = Truth(NOTHING, NOTHING, NEWS, 0.1, 60.0)
    return Stream(NOTHING, NOTHING, np.empty(0, np.int64), COPIES, minutes, history, tuple(surges), truth)


def test_an_alarm_inside_a_surge_detects_it_and_one_shortly_after_is_neither():
    one = stream(Surge(1000.0, 2, 5.0, False), Surge(3000.0, 2, 3.0, True))
    found = compared(np.array([[500, 520], [1030, 1150], [3150, 3160], [5000, 5015]]), one)
    assert [(each.delay, each.clear_after) for each in found.episodes] == [(30, 30), (None, None)]
    assert found.false_alarms == 2
    assert found.false_minutes == 35
    assert found.calm_minutes == MINUTES_PER_WEEK - 2 * 180
    assert recall([found]) == 0.5
    assert delays([found]).tolist() == [30]


def test_small_and_short_surges_are_not_in_the_recall():
    one = stream(Surge(1000.0, 1, 8.0, False), Surge(3000.0, 8, 2.0, False), Surge(6000.0, 2, 3.0, False))
    assert recall([compared(np.array([[6010, 6050]]), one)]) == 1.0


def test_surges_of_the_history_do_not_count():
    one = stream(Surge(100.0, 2, 5.0, False), Surge(1000.0, 2, 5.0, False), history=500)
    assert len(compared(np.empty((0, 2), np.int64), one).episodes) == 1


def test_the_threshold_gives_the_rate_that_was_asked_for():
    rng = np.random.default_rng(1)
    streams = [stream(Surge(3000.0, 2, 5.0, False)) for _ in range(20)]
    scores = [np.repeat(rng.normal(size=MINUTES_PER_WEEK // 20), 20) for _ in streams]
    threshold = threshold_for(0.5, scores, streams, lambda fire: fire)
    found = [outcome(each, one, threshold) for each, one in zip(scores, streams, strict=True)]
    assert 0.3 < false_alarms_per_week(found) <= 0.5
    low, high = interval(false_alarms_per_week, found, rng)
    assert low < false_alarms_per_week(found) < high


def test_a_detector_that_never_fires_finds_nothing():
    found = [compared(np.empty((0, 2), np.int64), stream(Surge(3000.0, 2, 5.0, False)))]
    assert (recall(found), false_alarms_per_week(found), delays(found).size) == (0.0, 0.0, 0)
    with pytest.raises(ZeroDivisionError):
        recall([compared(np.empty((0, 2), np.int64), stream())])
