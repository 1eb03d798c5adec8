"""The product's own detector on a simulated stream, asked each minute."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from alerting.detection.policy import Policy, load_policy
from alerting.detector import WindowCounts
from alerting.kinds import KINDS, SURGE
from bearwatch.core.key import Key
from benchmarks.detection.streams import MINUTE, Floats, Stream
from benchmarks.detection.windows import trailing

KEY = Key.parse("news/topic:Simulated")
FIRST = 7 * 24 * 3600  # a Monday; the policy's times are seconds since the epoch


def shipped(stream: Stream) -> tuple[NDArray[np.int64], Floats]:
    """First and last minute of each alarm of the shipped policy, (alarms, 2), and the score of each minute.

    The score is the largest of the windows that have enough stories, negative stories, sources and lift.
    """
    policy = _each_minute(load_policy())
    detector = KINDS[SURGE].detector(policy)
    state, due, previous = detector.initial(), None, None
    table = _counts(stream, policy.windows.lengths_seconds)  # (minutes, windows, 3)
    scores, found = np.zeros(stream.minutes), []
    for minute, rows in enumerate(table.tolist()):
        time = FIRST + (minute + 1) * MINUTE
        if rows == previous and (due is None or time < due):
            scores[minute] = scores[minute - 1]
            continue
        previous = rows
        windows = [
            WindowCounts(length, time, n, k, n, k, sources)
            for length, (n, k, sources) in zip(policy.windows.lengths_seconds, rows, strict=True)
        ]
        state, decision = detector.evaluate(state, KEY, windows, time)
        due = detector.next_evaluation(state, windows, time)
        scores[minute] = max(
            (s.score or 0.0 for s in decision.scores if _enough(s.counts, s.lift, policy)), default=0.0
        )
        if decision.transition == "firing":
            found.append([minute, stream.minutes])
        elif decision.transition == "resolved":
            found[-1][1] = minute
    return np.array(found, dtype=np.int64).reshape(-1, 2), scores


def _enough(counts: WindowCounts, lift: float | None, policy: Policy) -> bool:
    surge = policy.surge
    return (
        counts.stories >= surge.min_stories
        and counts.negative_stories >= surge.min_negative_stories
        and counts.sources >= surge.min_sources
        and (lift or 0.0) >= surge.min_lift
    )


def _each_minute(policy: Policy) -> Policy:
    return replace(policy, windows=replace(policy.windows, evaluate_every_seconds=int(MINUTE)))


def _counts(stream: Stream, lengths_seconds: tuple[int, ...]) -> NDArray[np.int64]:
    stories, negative = stream.counts()
    at = stream.minute.astype(np.int64)
    sources = [
        np.bincount(at[stream.source == s], minlength=stream.minutes) for s in np.unique(stream.source)
    ]
    tables = []
    for seconds in lengths_seconds:
        minutes = seconds // int(MINUTE)
        seen = sum(trailing(each.astype(float), minutes) > 0 for each in sources)
        tables.append(np.stack([trailing(stories, minutes), trailing(negative, minutes), seen], axis=1))
    return np.rint(np.stack(tables, axis=1)).astype(np.int64)
