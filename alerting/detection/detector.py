"""When an alert fires, escalates and resolves: one pure function, the same in the stream and in a backtest.

    state, decision = evaluate(state, stream, windows, time, policy)

It is called at pane ends, `evaluate_every` apart. A call may be left out when the counts are those of the
last call, the state is not `active` and `time` ends no bucket that holds documents: nothing would change.
"""

import math
import sys
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from alerting.detection import baseline as memory
from alerting.detection.betabinomial import log_sf
from alerting.detection.policy import Policy, Surge

Severity = Literal["warning", "critical"]
Transition = Literal["firing", "updated", "resolved"]


class WindowCounts(msgspec.Struct, frozen=True):
    """Counts of one key in [window_start, window_end); times are seconds since the epoch."""

    window_seconds: int
    window_start: float
    window_end: float
    documents: int
    negative_documents: int
    stories: int
    negative_stories: int
    sources: int


class Reading(NamedTuple):
    """One window judged. No p-value while warming up, neither figure for a window without stories."""

    counts: WindowCounts
    p_value: float | None
    lift: float | None


class Firing(msgspec.Struct, frozen=True):
    """The alert that fires: `since` is the pane end at which it fired, and part of its id."""

    since: float
    window_seconds: int
    severity: Severity


class DetectorState(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that one key's next decision depends on besides its counts; small, and serialisable by msgspec."""

    baseline: memory.Baseline = memory.Baseline()
    firing: Firing | None = None
    abnormal_evaluations: int = 0  # in a row, the last at `abnormal_at`
    abnormal_at: float = 0.0
    calm_evaluations: int = 0  # in a row, while firing
    cool_until: float | None = None
    disarmed: tuple[int, ...] = ()  # windows that have not been calm since an alert resolved

    @property
    def active(self) -> bool:
        """Whether the next pane must be evaluated even if no count changes."""
        return self.firing is not None or self.abnormal_evaluations > 0 or self.cool_until is not None


class Decision(NamedTuple):
    """What one evaluation found. `alert` fires now or, when `transition` is "resolved", did until now."""

    time: float
    ready: bool  # False while warming up
    baseline_ratio: float
    intraclass_correlation: float
    readings: tuple[Reading, ...]
    alert: Firing | None = None
    transition: Transition | None = None
    decisive: Reading | None = None  # the window that the alert, or its transition, rests on
    reason: str | None = None

    @property
    def firing(self) -> bool:
        return self.alert is not None and self.transition != "resolved"


def evaluate(
    state: DetectorState, stream: str, windows: Sequence[WindowCounts], time: float, policy: Policy
) -> tuple[DetectorState, Decision]:
    """Judge the windows that end at `time`, one per length of the policy, and move the state on."""
    state = msgspec.structs.replace(state, baseline=_fed(state, windows, time, policy))
    decision = describe(state, stream, windows, time, policy)
    hot = {reading.counts.window_seconds for reading in decision.readings if _is_hot(reading, policy.surge)}
    disarmed = tuple(length for length in state.disarmed if length in hot)
    state = msgspec.structs.replace(state, disarmed=disarmed)
    if state.firing is not None:
        return _while_firing(state, state.firing, decision, policy)
    return _while_quiet(state, decision, policy)


def describe(
    state: DetectorState, stream: str, windows: Sequence[WindowCounts], time: float, policy: Policy
) -> Decision:
    """The readings alone, without moving the state: for gauges after a recovery."""
    expected = memory.estimate(state.baseline, stream, policy.baseline)
    readings = tuple(_reading(counts, expected) for counts in windows)
    decisive = _own_window(state.firing, readings) if state.firing else None
    return Decision(time, *expected, readings, state.firing, decisive=decisive)


def _own_window(firing: Firing, readings: Sequence[Reading]) -> Reading:
    """The window that fired or, where a new policy has dropped it, the next shorter one."""
    candidates = [reading for reading in readings if reading.counts.window_seconds <= firing.window_seconds]
    return candidates[-1] if candidates else readings[0]


def ends_bucket(time: float, policy: Policy) -> bool:
    """Whether a key whose bucket window holds documents must be evaluated at `time`."""
    return time % policy.baseline.bucket_seconds == 0


def _fed(
    state: DetectorState, windows: Sequence[WindowCounts], time: float, policy: Policy
) -> memory.Baseline:
    if not ends_bucket(time, policy):
        return state.baseline
    length = policy.baseline.bucket_seconds
    counts = next(counts for counts in windows if counts.window_seconds == length)
    if not counts.documents:
        return state.baseline
    bucket = memory.Bucket(time, counts.stories, counts.negative_stories)
    return memory.fed(state.baseline, bucket, state.firing is not None, policy.baseline)


def _reading(counts: WindowCounts, expected: memory.Estimate) -> Reading:
    n, k = counts.stories, counts.negative_stories
    if n == 0:
        return Reading(counts, None, None)
    lift = k / n / expected.ratio
    if not expected.ready:
        return Reading(counts, None, lift)
    p_value = math.exp(log_sf(k, n, expected.ratio, expected.intraclass_correlation))
    return Reading(counts, max(p_value, sys.float_info.min), lift)  # no evidence makes an event impossible


def _while_quiet(state: DetectorState, decision: Decision, policy: Policy) -> tuple[DetectorState, Decision]:
    surge, time = policy.surge, decision.time
    cooling = state.cool_until is not None and time < state.cool_until
    state = msgspec.structs.replace(state, cool_until=state.cool_until if cooling else None)
    abnormal = [reading for reading in _armed(state, decision) if _is_abnormal(reading, surge)]
    if cooling or not abnormal:
        return msgspec.structs.replace(state, abnormal_evaluations=0, abnormal_at=0.0), decision
    in_a_row = time - state.abnormal_at <= policy.windows.evaluate_every_seconds
    evaluations = state.abnormal_evaluations + 1 if in_a_row else 1
    if evaluations < surge.consecutive_evaluations:
        return msgspec.structs.replace(state, abnormal_evaluations=evaluations, abnormal_at=time), decision
    critical = [reading for reading in abnormal if _is_critical(reading, surge)]
    return _fire(state, decision, min(critical or abnormal, key=_by_p_value), bool(critical))


def _fire(
    state: DetectorState, decision: Decision, reading: Reading, critical: bool
) -> tuple[DetectorState, Decision]:
    counts = reading.counts
    firing = Firing(decision.time, counts.window_seconds, "critical" if critical else "warning")
    state = DetectorState(
        baseline=memory.without(state.baseline, counts.window_start), firing=firing, disarmed=state.disarmed
    )
    return state, decision._replace(alert=firing, transition="firing", decisive=reading)


def _while_firing(
    state: DetectorState, firing: Firing, decision: Decision, policy: Policy
) -> tuple[DetectorState, Decision]:
    surge, max_hours = policy.surge, policy.baseline.max_freeze_hours
    if decision.time - firing.since >= max_hours * memory.SECONDS_PER_HOUR:
        reason = f"held for {max_hours:g} h: what was seen since it fired is the new normal"
        return _resolve(state, decision, surge, reason)
    holding = [r for r in decision.readings if r.counts.window_seconds <= firing.window_seconds]
    calm = 0 if any(_is_hot(reading, surge) for reading in holding) else state.calm_evaluations + 1
    if calm >= surge.clear_evaluations:
        return _resolve(state, decision, surge)
    state = msgspec.structs.replace(state, calm_evaluations=calm)
    critical = [reading for reading in _armed(state, decision) if _is_critical(reading, surge)]
    if firing.severity == "critical" or not critical:
        return state, decision
    firing = msgspec.structs.replace(firing, severity="critical")
    state = msgspec.structs.replace(state, firing=firing)
    return state, decision._replace(
        alert=firing, transition="updated", decisive=min(critical, key=_by_p_value)
    )


def _resolve(
    state: DetectorState, decision: Decision, surge: Surge, new_normal: str | None = None
) -> tuple[DetectorState, Decision]:
    """Back to quiet. Longer windows stay hot for hours after a surge: they are disarmed until calm."""
    state = DetectorState(
        baseline=memory.reopened(state.baseline, decision.time, new_normal is not None),
        cool_until=decision.time + surge.cool_down_seconds,
        disarmed=tuple(r.counts.window_seconds for r in decision.readings if _is_hot(r, surge)),
    )
    return state, decision._replace(transition="resolved", reason=new_normal)


def _armed(state: DetectorState, decision: Decision) -> list[Reading]:
    return [reading for reading in decision.readings if reading.counts.window_seconds not in state.disarmed]


def _is_hot(reading: Reading, surge: Surge) -> bool:
    return reading.p_value is not None and reading.p_value < surge.clear_p_value


def _is_abnormal(reading: Reading, surge: Surge) -> bool:
    counts, p_value, lift = reading
    return (
        p_value is not None
        and lift is not None
        and p_value <= surge.p_value
        and lift >= surge.min_lift
        and counts.stories >= surge.min_stories
        and counts.negative_stories >= surge.min_negative_stories
        and counts.sources >= surge.min_sources
    )


def _is_critical(reading: Reading, surge: Surge) -> bool:
    _, p_value, lift = reading
    return (
        _is_abnormal(reading, surge)
        and p_value is not None
        and lift is not None
        and p_value <= surge.critical_p_value
        and lift >= surge.critical_lift
    )


def _by_p_value(reading: Reading) -> float:
    return 1.0 if reading.p_value is None else reading.p_value
