"""The alert state machine: when an alert fires, escalates and resolves, from levels and times alone.

    quiet ── abnormal ──► candidate ── abnormal again ──► firing ── clear for long enough ──► cool-down ──► quiet

It knows no formula and no threshold. Between evaluations `evaluate_every_seconds` apart the caller may leave out
those with unchanged scores while no candidate, alert or cool-down is open: nothing would change.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from alerting.detector import Firing, Level, Transition, WindowScore


@dataclass(frozen=True)
class AlertTiming:
    """How many evaluations and seconds the transitions take."""

    evaluate_every_seconds: float
    consecutive_evaluations: int  # abnormal ones in a row before an alert fires
    clear_evaluations: int  # clear ones in a row before it resolves
    cool_down_seconds: float  # after it resolved nothing fires for this long
    max_firing_seconds: float  # an alert that holds this long resolves: it is the new normal


class AlertState(msgspec.Struct, frozen=True, omit_defaults=True):
    """What the next transition depends on besides the scores."""

    firing: Firing | None = None
    abnormal_evaluations: int = 0  # in a row, the last at `abnormal_at`
    abnormal_at: float = 0.0
    clear_evaluations: int = 0  # in a row, while firing
    cool_until: float | None = None
    disarmed: tuple[int, ...] = ()  # windows that have not been clear since an alert resolved

    @property
    def open(self) -> bool:
        """Whether a candidate, an alert or a cool-down is open: time alone may then change the state."""
        return self.firing is not None or self.abnormal_evaluations > 0 or self.cool_until is not None


class Change(NamedTuple):
    """What an evaluation did. `alert` fires now or, when `transition` is "resolved", did until now."""

    alert: Firing | None = None
    transition: Transition | None = None
    decisive: WindowScore | None = None  # the window that the alert, or its transition, rests on
    new_normal: bool = False  # resolved because it held for `max_firing_seconds`


QUIET = AlertState()
NO_CHANGE = Change()


def advance(
    state: AlertState, scores: Sequence[WindowScore], time: float, timing: AlertTiming
) -> tuple[AlertState, Change]:
    """Move the state on by the scores of one evaluation, the shortest window first."""
    if state == QUIET and max([score.level for score in scores]) < Level.ABNORMAL:
        return state, NO_CHANGE  # by far the most frequent case
    above = {score.counts.window_seconds for score in scores if score.level > Level.CLEAR}
    disarmed = tuple(length for length in state.disarmed if length in above)
    state = msgspec.structs.replace(state, disarmed=disarmed)
    if state.firing is not None:
        return _while_firing(state, state.firing, scores, time, timing)
    return _while_quiet(state, scores, time, timing)


def own_window(firing: Firing, scores: Sequence[WindowScore]) -> WindowScore:
    """The window that fired or, where a new policy has dropped it, the next shorter one."""
    candidates = [score for score in scores if score.counts.window_seconds <= firing.window_seconds]
    return candidates[-1] if candidates else scores[0]


def _while_quiet(
    state: AlertState, scores: Sequence[WindowScore], time: float, timing: AlertTiming
) -> tuple[AlertState, Change]:
    cooling = state.cool_until is not None and time < state.cool_until
    state = msgspec.structs.replace(state, cool_until=state.cool_until if cooling else None)
    abnormal = _armed(state, scores, Level.ABNORMAL)
    if cooling or not abnormal:
        return msgspec.structs.replace(state, abnormal_evaluations=0, abnormal_at=0.0), Change()
    in_a_row = time - state.abnormal_at <= timing.evaluate_every_seconds
    evaluations = state.abnormal_evaluations + 1 if in_a_row else 1
    if evaluations < timing.consecutive_evaluations:
        return msgspec.structs.replace(state, abnormal_evaluations=evaluations, abnormal_at=time), Change()
    critical = _armed(state, scores, Level.CRITICAL)
    decisive = max(critical or abnormal, key=_by_score)
    firing = Firing(time, decisive.counts.window_seconds, "critical" if critical else "warning")
    return AlertState(firing=firing, disarmed=state.disarmed), Change(firing, "firing", decisive)


def _while_firing(
    state: AlertState, firing: Firing, scores: Sequence[WindowScore], time: float, timing: AlertTiming
) -> tuple[AlertState, Change]:
    own = own_window(firing, scores)
    holding = [score for score in scores if score.counts.window_seconds <= firing.window_seconds]
    held_too_long = time - firing.since >= timing.max_firing_seconds
    above = any(score.level > Level.CLEAR for score in holding)
    clear = 0 if above else state.clear_evaluations + 1
    if held_too_long or clear >= timing.clear_evaluations:
        change = Change(firing, "resolved", own, new_normal=held_too_long)
        return _after_resolving(scores, time, timing), change
    state = msgspec.structs.replace(state, clear_evaluations=clear)
    critical = _armed(state, scores, Level.CRITICAL)
    if firing.severity == "critical" or not critical:
        return state, Change(firing, decisive=own)
    firing = msgspec.structs.replace(firing, severity="critical")
    state = msgspec.structs.replace(state, firing=firing)
    return state, Change(firing, "updated", max(critical, key=_by_score))


def _after_resolving(scores: Sequence[WindowScore], time: float, timing: AlertTiming) -> AlertState:
    """Longer windows stay above the clear threshold for hours after a surge: they are disarmed until clear."""
    return AlertState(
        cool_until=time + timing.cool_down_seconds,
        disarmed=tuple(score.counts.window_seconds for score in scores if score.level > Level.CLEAR),
    )


def _armed(state: AlertState, scores: Sequence[WindowScore], level: Level) -> list[WindowScore]:
    """The windows at that level or above which are not disarmed."""
    return [s for s in scores if s.level >= level and s.counts.window_seconds not in state.disarmed]


def _by_score(window: WindowScore) -> float:
    return 0.0 if window.score is None else window.score
