"""The baseline's memory: what counts, from when, and with which weight."""

import msgspec
import pytest

from alerting.detection.baseline import Baseline, Bucket, Moments, estimate, fed, reopened, without
from alerting.detection.policy import load_policy

SETTINGS = load_policy().baseline  # buckets of an hour that wait six; half-life 168 h
HOUR = 3600.0


def after(
    *buckets: tuple[float, int, int], baseline: Baseline | None = None, firing: bool = False
) -> Baseline:
    """The baseline fed with buckets of (hour of the end, stories, negative stories)."""
    baseline = baseline or Baseline()
    for hour, stories, negative in buckets:
        baseline = fed(baseline, Bucket(hour * HOUR, stories, negative), firing, SETTINGS)
    return baseline


def test_old_moments_decay_when_newer_ones_come():
    week = SETTINGS.half_life_hours
    baseline = after((1, 10, 4), (7, 1, 0))
    first = baseline.moments
    assert first.n == pytest.approx(10 * 0.5 ** (6 / week))
    baseline = after((7 + week, 20, 1), baseline=baseline)
    assert baseline.moments.n == pytest.approx(first.n / 2 + 0.5 * 1 * 1, rel=1e-9)
    assert baseline.moments.k == pytest.approx(first.k / 2)
    assert baseline.moments.nk == pytest.approx(first.nk / 2)
    assert baseline.as_of == (7 + week) * HOUR


def test_stories_are_counted_when_they_are_absorbed():
    baseline = after((1, 10, 4), (2, 5, 1), (8, 3, 3))
    assert (baseline.stories, baseline.queue) == (15, (Bucket(8 * HOUR, 3, 3),))
    assert baseline.since == 0.0


def test_buckets_that_touch_a_resolved_alert_do_not_count():
    baseline = reopened(after((1, 10, 4)), 9.5 * HOUR, new_normal=False)
    baseline = after((10, 7, 7), (11, 5, 1), baseline=baseline)
    assert baseline.queue == (Bucket(11 * HOUR, 5, 1),), (
        "the hour from 9 to 10 began before the alert resolved"
    )


def test_a_bucket_that_begins_as_the_alert_resolves_counts():
    baseline = after((10, 7, 1), baseline=reopened(Baseline(), 9 * HOUR, new_normal=False))
    assert baseline.queue == (Bucket(10 * HOUR, 7, 1),)


def test_while_an_alert_fires_buckets_are_collected_apart():
    quiet = after((1, 10, 4))
    baseline = after((2, 6, 5), (8, 4, 4), baseline=quiet, firing=True)
    assert (baseline.moments, baseline.queue, baseline.as_of) == (quiet.moments, quiet.queue, quiet.as_of)
    assert baseline.frozen == Moments(10, 9, 52, 46, 41)


def test_what_was_collected_is_forgotten_or_becomes_the_memory():
    baseline = after((2, 6, 5), baseline=after((1, 10, 4)), firing=True)
    forgotten = reopened(baseline, 3 * HOUR, new_normal=False)
    assert forgotten == msgspec.structs.replace(baseline, frozen=Moments(), closed_until=3 * HOUR)
    normal = reopened(baseline, 3 * HOUR, new_normal=True)
    assert (normal.moments, normal.frozen, normal.queue) == (Moments(6, 5, 36, 30, 25), Moments(), ())
    assert (normal.as_of, normal.closed_until) == (3 * HOUR, 3 * HOUR)


def test_the_window_that_fired_is_taken_out_of_the_queue():
    baseline = without(after((1, 10, 4), (2, 5, 1), (3, 9, 9)), since=2 * HOUR)
    assert [bucket.end for bucket in baseline.queue] == [HOUR, 2 * HOUR]


def test_hours_that_differ_more_than_chance_raise_the_correlation():
    # Six hours of ten stories, 14 of 60 negative: Σ(k − np)² takes Σk², Σnk and Σn² each with its own weight.
    moments = Moments()
    for negative in (5, 1, 1, 5, 1, 1):
        moments = moments.plus(10, negative)
    p = (14 + 20 * 0.2) / (60 + 20)
    squares = 2 * (5 - 10 * p) ** 2 + 4 * (1 - 10 * p) ** 2
    rho = (squares / (p * (1 - p)) - 60 + 2400 * 0.03) / (540 + 2400)
    assert SETTINGS.intraclass_correlation_min < rho < SETTINGS.intraclass_correlation_max
    independent = 20 + 60 / (1 + rho * 9)
    found = estimate(Baseline(moments=moments), "news", SETTINGS)
    assert found.intraclass_correlation == pytest.approx(1 - (1 - rho) * independent / (independent + 1))


@pytest.mark.parametrize(
    ("stories", "hours", "ready"), [(30, 24, True), (29, 24, False), (30, 23.9, False)], ids=str
)
def test_ready_after_enough_stories_and_hours(stories, hours, ready):
    baseline = Baseline(since=HOUR, as_of=(1 + hours) * HOUR, stories=stories)
    assert estimate(baseline, "news", SETTINGS).ready == ready


def test_nothing_known_is_not_ready_and_has_the_prior_ratio():
    found = estimate(Baseline(as_of=1e9, stories=1000), "comments", SETTINGS)
    assert (found.ready, found.ratio) == (False, SETTINGS.prior_ratio.comments)
