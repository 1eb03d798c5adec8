"""Scores and levels of one window, at and around each threshold of the policy."""

import math
import sys

import msgspec
import pytest

from alerting.detection.baseline import Estimate
from alerting.detection.betabinomial import log_sf
from alerting.detection.policy import Surge
from alerting.detection.scores import window_score
from alerting.detector import Level, WindowCounts

EXPECTED = Estimate(ready=True, ratio=0.25, intraclass_correlation=0.02)
COUNTS = WindowCounts(
    900, 900, documents=40, negative_documents=30, stories=20, negative_stories=15, sources=5
)
P_VALUE = math.exp(log_sf(15, 20, 0.25, 0.02))
SURGE = Surge(
    p_value=P_VALUE,
    consecutive_evaluations=2,
    min_stories=20,
    min_negative_stories=15,
    min_sources=5,
    min_lift=3.0,
    clear_p_value=1e-2,
    clear_evaluations=2,
    cool_down_seconds=60,
    critical_p_value=P_VALUE,
    critical_lift=3.0,
)


def changed(**values: float) -> Surge:
    return msgspec.convert({**msgspec.to_builtins(SURGE), **values}, Surge)


def test_the_score_is_the_tail_of_stories_not_of_documents():
    found = window_score(COUNTS, EXPECTED, SURGE)
    assert found.p_value == P_VALUE
    assert found.score == -math.log10(P_VALUE)
    assert found.lift == pytest.approx(3.0)
    assert found.counts is COUNTS


def test_thresholds_are_inclusive():
    assert window_score(COUNTS, EXPECTED, SURGE).level == Level.CRITICAL


def test_more_than_enough_is_critical_too():
    easy = changed(
        p_value=P_VALUE * 3,
        critical_p_value=P_VALUE * 2,
        min_stories=19,
        min_negative_stories=14,
        min_sources=4,
        min_lift=2.0,
        critical_lift=2.5,
    )
    assert window_score(COUNTS, EXPECTED, easy).level == Level.CRITICAL


@pytest.mark.parametrize(
    ("values", "level"),
    [
        ({"critical_p_value": P_VALUE * 0.999}, Level.ABNORMAL),
        ({"critical_lift": 3.01}, Level.ABNORMAL),
        ({"p_value": P_VALUE * 0.999}, Level.ABOVE_CLEAR),
        ({"min_lift": 3.01}, Level.ABOVE_CLEAR),
        ({"min_stories": 21}, Level.ABOVE_CLEAR),
        ({"min_negative_stories": 16}, Level.ABOVE_CLEAR),
        ({"min_sources": 6}, Level.ABOVE_CLEAR),
        ({"clear_p_value": P_VALUE}, Level.CLEAR),
        ({"clear_p_value": P_VALUE * 1.001}, Level.CRITICAL),
    ],
    ids=str,
)
def test_each_threshold_holds_the_level_down(values, level):
    assert window_score(COUNTS, EXPECTED, changed(**values)).level == level


def test_an_empty_window_has_neither_score_nor_lift():
    empty = WindowCounts(900, 900, 0, 0, 0, 0, 0)
    assert window_score(empty, EXPECTED, SURGE) == (empty, None, None, None, Level.CLEAR)


def test_one_story_is_enough_for_a_score():
    one = WindowCounts(900, 900, 1, 1, 1, 1, 1)
    found = window_score(one, EXPECTED, SURGE)
    assert (found.p_value, found.lift) == (pytest.approx(0.25), pytest.approx(4))


def test_no_score_while_warming_up():
    found = window_score(COUNTS, EXPECTED._replace(ready=False), SURGE)
    assert found[1:] == (None, None, pytest.approx(3.0), Level.CLEAR)


def test_no_negative_story_has_a_p_value_of_one_and_a_score_of_zero():
    none = WindowCounts(900, 900, 20, 0, 20, 0, 5)
    found = window_score(none, EXPECTED, SURGE)
    assert (found.score, found.p_value, found.lift, found.level) == (0.0, 1.0, 0.0, Level.CLEAR)
    assert math.copysign(1, found.score) == 1


def test_the_p_value_is_floored_at_the_smallest_double():
    many = WindowCounts(900, 900, 5000, 5000, 5000, 5000, 5)
    found = window_score(many, Estimate(True, 0.001, 0.0001), SURGE)
    assert found.p_value == sys.float_info.min
    assert found.score == pytest.approx(307.65, abs=0.01)
