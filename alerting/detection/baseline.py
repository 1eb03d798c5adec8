"""What is usual for a key: decayed sums over past buckets, and the ratio and correlation they imply.

A bucket waits for `lag_seconds` before it counts, so that no window is compared with itself. Buckets that touch
an alert do not count, unless the alert holds for `max_freeze_hours`: then they are the new memory. The
sums change only at the end of a bucket that holds documents, so between two of those a score depends on
the counts alone.
"""

from typing import NamedTuple

import msgspec

from alerting.detection.policy import Baseline as Settings

SECONDS_PER_HOUR = 3600


class Moments(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Weighted sums over buckets of n stories, k of them negative: Σn, Σk, Σn², Σnk, Σk²."""

    n: float = 0.0
    k: float = 0.0
    nn: float = 0.0
    nk: float = 0.0
    kk: float = 0.0

    def scaled(self, factor: float) -> "Moments":
        return Moments(*(factor * value for value in msgspec.structs.astuple(self)))

    def plus(self, n: int, k: int, weight: float = 1.0) -> "Moments":
        added = (n, k, n * n, n * k, k * k)
        return Moments(
            *(old + weight * new for old, new in zip(msgspec.structs.astuple(self), added, strict=True))
        )


NOTHING = Moments()


class Bucket(msgspec.Struct, frozen=True, array_like=True, gc=False):
    end: float
    stories: int
    negative_stories: int


class Baseline(msgspec.Struct, frozen=True, omit_defaults=True):
    """The memory of one key. `moments` are decayed to `as_of`; `frozen` collects while an alert fires."""

    since: float | None = None  # start of the first bucket that held documents
    as_of: float = 0.0
    stories: int = 0  # ever absorbed
    moments: Moments = NOTHING
    queue: tuple[Bucket, ...] = ()
    frozen: Moments = NOTHING
    closed_until: float = 0.0  # buckets that begin before this touch an alert that has resolved


class Estimate(NamedTuple):
    """What the tail test needs. `ready` is false during warm-up: then there is no p-value."""

    ready: bool
    ratio: float
    intraclass_correlation: float


def fed(baseline: Baseline, bucket: Bucket, firing: bool, settings: Settings) -> Baseline:
    """Take in the bucket that ends now, and let those whose lag has passed count."""
    start = bucket.end - settings.bucket_seconds
    since = start if baseline.since is None else baseline.since
    if firing:
        frozen = baseline.frozen.plus(bucket.stories, bucket.negative_stories)
        return msgspec.structs.replace(baseline, since=since, frozen=frozen)
    queue = baseline.queue if start < baseline.closed_until else (*baseline.queue, bucket)
    return _absorbed(msgspec.structs.replace(baseline, since=since, queue=queue), bucket.end, settings)


def _absorbed(baseline: Baseline, time: float, settings: Settings) -> Baseline:
    half_life_seconds = settings.half_life_hours * SECONDS_PER_HOUR
    due = [bucket for bucket in baseline.queue if bucket.end + settings.lag_seconds <= time]
    moments = baseline.moments.scaled(0.5 ** ((time - baseline.as_of) / half_life_seconds))
    for bucket in due:
        weight = 0.5 ** ((time - bucket.end) / half_life_seconds)
        moments = moments.plus(bucket.stories, bucket.negative_stories, weight)
    return msgspec.structs.replace(
        baseline,
        as_of=time,
        stories=baseline.stories + sum(bucket.stories for bucket in due),
        moments=moments,
        queue=baseline.queue[len(due) :],
    )


def without(baseline: Baseline, since: float) -> Baseline:
    """Forget the queued buckets that reach past `since`, the start of the window that fired."""
    queue = tuple(bucket for bucket in baseline.queue if bucket.end <= since)
    return msgspec.structs.replace(baseline, queue=queue)


def reopened(baseline: Baseline, time: float, new_normal: bool) -> Baseline:
    """An alert resolved at `time`: what was seen while it fired is forgotten, or is the new memory."""
    if not new_normal:
        return msgspec.structs.replace(baseline, frozen=NOTHING, closed_until=time)
    return msgspec.structs.replace(
        baseline, as_of=time, moments=baseline.frozen, frozen=NOTHING, queue=(), closed_until=time
    )


def estimate(baseline: Baseline, stream: str, settings: Settings) -> Estimate:
    """The ratio of negative stories and the intraclass correlation to expect in the next window.

    The ratio is shrunk towards the stream's prior, which weighs `prior_pseudo_stories`. The correlation ρ of two
    stories of a bucket solves Σ(k − np)² = p(1 − p) Σ n(1 + (n − 1)ρ), the method of moments (Kleinman 1973,
    "Proportions with extraneous variance"; Williams 1982, "Extra-binomial variation in logistic linear
    models"), and is shrunk by pairs of stories. What the tail test gets is wider by the ratio's own
    uncertainty: known from N independent stories it adds a correlation of 1/(N + 1), as a Beta posterior
    does.
    """
    moments, prior = baseline.moments, settings.prior_ratio.of(stream)
    p = (moments.k + settings.prior_pseudo_stories * prior) / (moments.n + settings.prior_pseudo_stories)
    pairs = max(0.0, moments.nn - moments.n)
    squares = moments.kk - 2 * p * moments.nk + p * p * moments.nn
    excess = squares / (p * (1 - p)) - moments.n  # pairs · ρ
    weight = settings.intraclass_correlation_pseudo_pairs
    rho = (excess + weight * settings.intraclass_correlation_prior) / (pairs + weight)
    rho = min(max(rho, settings.intraclass_correlation_min), settings.intraclass_correlation_max)
    independent = settings.prior_pseudo_stories
    if moments.n:
        independent += moments.n / (1 + rho * pairs / moments.n)
    ready = (
        baseline.since is not None
        and baseline.stories >= settings.warm_up_stories
        and baseline.as_of - baseline.since >= settings.warm_up_hours * SECONDS_PER_HOUR
    )
    return Estimate(ready, p, 1 - (1 - rho) * independent / (independent + 1))
