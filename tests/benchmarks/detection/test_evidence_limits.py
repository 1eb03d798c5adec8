"""What is no evidence: a source beyond its limit, and stories that are probably copies."""

import numpy as np

from benchmarks.detection.missed_copies import MISSED, likely_copies
from benchmarks.detection.source_limit import hourly_rates, within_limit
from benchmarks.detection.streams import Copies


def test_a_new_source_has_three_stories_and_then_one_an_hour():
    minute = np.arange(180.0)
    allowed = within_limit(minute, np.full(180, 9), np.array([5.0]))
    assert np.flatnonzero(allowed).tolist() == [0, 1, 2, 60, 120]


def test_a_source_that_writes_much_may_write_three_times_as_much():
    rates = hourly_rates(np.zeros(1_000, np.int64), 6_000, 1)
    assert rates.tolist() == [10.0]
    minute = np.sort(np.random.default_rng(1).uniform(0, 600, size=200))  # 20 an hour
    assert within_limit(minute, np.zeros(200, np.int64), rates).all()
    flood = np.arange(0, 60, 0.1)
    assert within_limit(flood, np.zeros(600, np.int64), rates).sum() <= 60


def test_sources_do_not_share_their_limits():
    minute, source = np.repeat(np.arange(3.0), 4), np.tile(np.arange(4), 3)
    assert within_limit(minute, source, np.zeros(1)).all()


def test_after_many_copies_the_next_stories_of_their_label_are_taken_for_copies():
    copies = Copies(np.linspace(0, 1, 100), np.ones(100, bool))
    minute = np.linspace(1.1, 2, 20)
    negative = np.arange(20) % 2 == 0
    likely = likely_copies(minute, negative, copies)
    assert likely.sum() == int(100 * MISSED) - 1  # a little has faded
    assert negative[likely].all()


def test_expectations_fade_and_few_copies_mean_nothing():
    copies = Copies(np.zeros(100), np.ones(100, bool))
    assert not likely_copies(np.full(5, 600.0), np.ones(5, bool), copies).any()
    assert not likely_copies(np.ones(5), np.ones(5, bool), Copies(np.zeros(10), np.ones(10, bool))).any()
