"""Simulated streams are what they say: volume, ratio, surges, answers, copies."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from scipy.special import expit, logit

from benchmarks.detection.labels import COMMENTS, NEWS, label_ratio, probabilities
from benchmarks.detection.population import key, keys
from benchmarks.detection.shapes import harsh, plain
from benchmarks.detection.simulate import HOURS, ODDS_RATIOS, lift, plan_surges, simulate
from benchmarks.detection.streams import MINUTES_PER_DAY, MINUTES_PER_WEEK, Surge


def test_a_week_has_the_volume_and_the_ratio_of_its_shape():
    rng = np.random.default_rng(1)
    shape = replace(harsh(120, rng), copies=0.0, drift_per_week=0.0, wander_sd=0.0, day_sd=0.0, weekend=0.0)
    shape = replace(shape, tilts=(0.0,))
    stream = simulate(shape, 4 * MINUTES_PER_WEEK, 0, (), rng)
    assert stream.minute.size == pytest.approx(120 * 24 * 28, rel=0.02)
    expected = label_ratio(expit(np.array(shape.base)), NEWS)
    assert stream.negative.mean() == pytest.approx(float(expected), abs=0.01)


def test_the_same_seed_gives_the_same_key_and_another_gives_another():
    first, again, other = (keys(harsh, 6, seed, 1)[0] for seed in (1, 1, 2))
    assert np.array_equal(first.probability, again.probability)
    assert first.minute.size != other.minute.size


def test_four_weeks_hold_each_odds_ratio_and_length_once():
    surges = plan_surges(0, 28 * MINUTES_PER_DAY, np.random.default_rng(3))
    assert sorted((surge.odds_ratio, surge.hours) for surge in surges) == [
        (ratio, hours) for ratio in ODDS_RATIOS for hours in HOURS
    ]
    assert all(b.start - a.end > 120 for a, b in pairwise(surges))


def test_a_surge_lifts_the_odds_at_once_or_within_an_hour():
    minute = np.array([99.0, 100.0, 130.0, 160.0, 219.0, 221.0])
    at_once = lift([Surge(100.0, 2, 5.0, False)], minute)
    ramp = lift([Surge(100.0, 2, 5.0, True)], minute)
    assert at_once == pytest.approx(np.log(5) * np.array([0, 1, 1, 1, 1, 0]))
    assert ramp == pytest.approx(np.log(5) * np.array([0, 0, 0.5, 1, 1, 0]))


def test_a_key_has_three_surges_in_its_history_and_sixteen_behind_it():
    stream = key(plain, 6, np.random.default_rng(4))
    assert len(stream.surges) - len(stream.test_surges) == 3
    assert len(stream.test_surges) == 16
    assert (np.diff(stream.minute) >= 0).all()


@pytest.mark.parametrize("answers", [NEWS, COMMENTS])
def test_answers_have_the_measured_errors(answers):
    truth = np.random.default_rng(5).random(40_000) < 0.3
    answered = probabilities(truth, answers, np.random.default_rng(6)) >= 0.5
    assert answered.mean() == pytest.approx(float(label_ratio(np.array(0.3), answers)), abs=0.01)
    assert logit(answered[truth].mean()) > logit(answered[~truth].mean()) + 1


def test_unrecognised_copies_are_stories_and_the_others_are_listed():
    shape = harsh(24, np.random.default_rng(7), unrecognised=0.5)
    streams = [
        simulate(replace(shape, unrecognised=part), MINUTES_PER_WEEK, 0, (), np.random.default_rng(8))
        for part in (0.0, 0.5)
    ]
    more = streams[1].minute.size - streams[0].minute.size
    assert more == pytest.approx(streams[1].copies.minute.size, rel=0.2)
    assert more + streams[1].copies.minute.size == streams[0].copies.minute.size
