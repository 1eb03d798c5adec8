"""What a detector is asked and what it answers, for every kind of alert. No formula and no threshold stands here.

A detector is pure: (state, counts, time) in, (new state, decision) out, the same in the stream and in a backtest.
"""

from collections.abc import Sequence
from enum import IntEnum
from typing import Literal, NamedTuple, Protocol, TypeVar

import msgspec

from bearwatch.core.key import Key

Severity = Literal["warning", "critical"]
Transition = Literal["firing", "updated", "resolved"]
State = TypeVar("State")


class WindowCounts(msgspec.Struct, frozen=True, gc=False):
    """Counts of one key in [window_start, window_end); times are seconds since the epoch."""

    window_seconds: int
    window_end: float
    documents: int
    negative_documents: int
    stories: int
    negative_stories: int
    sources: int

    @property
    def window_start(self) -> float:
        """The first instant inside."""
        return self.window_end - self.window_seconds


class Level(IntEnum):
    """How far a window's score is up, in the policy's thresholds. A window without a score is CLEAR."""

    CLEAR = 0
    ABOVE_CLEAR = 1  # above the clear threshold: an open alert holds
    ABNORMAL = 2  # enough for an alert
    CRITICAL = 3


class WindowScore(NamedTuple):
    """One window evaluated. `score` is -log10 of the p-value; both are None while warming up.

    A window without stories has neither a score nor a lift.
    """

    counts: WindowCounts
    score: float | None
    p_value: float | None
    lift: float | None  # the ratio of negative stories over the baseline's ratio
    level: Level


class Firing(msgspec.Struct, frozen=True):
    """The alert that fires: `since` is the pane end at which it fired, and part of its id."""

    since: float
    window_seconds: int
    severity: Severity


class Decision(NamedTuple):
    """What one evaluation found. `alert` fires now or, when `transition` is "resolved", did until now."""

    time: float
    ready: bool  # False while warming up
    baseline_ratio: float
    scores: tuple[WindowScore, ...]  # one per window, in the order they were given
    alert: Firing | None = None
    transition: Transition | None = None
    decisive: WindowScore | None = None  # the window that the alert, or its transition, rests on
    reason: str | None = None  # why it resolved, where that is not that all windows are clear

    @property
    def firing(self) -> bool:
        """Whether an alert fires after this evaluation."""
        return self.alert is not None and self.transition != "resolved"


class KeyDecision(NamedTuple):
    """The last decision of one kind of alert on a key."""

    key: Key
    kind: str
    decision: Decision
    historical: bool = False  # its alert pages nobody


class Detector(Protocol[State]):
    """Decides on one kind of alert, for any number of keys; what it remembers of a key is `State`.

    It is asked at pane ends in event time, in ascending order: whenever a count of a window differs from what it
    was last given, and at `next_evaluation` even if none does. Asking at further pane ends changes nothing.
    """

    @property
    def kind(self) -> str:
        """The kind of its alerts, as in `alerting.kinds.KINDS`."""
        ...

    @property
    def state_type(self) -> type[State]:
        """A msgspec Struct, small and serialisable."""
        ...

    def initial(self) -> State:
        """The state of a key that has never been evaluated."""
        ...

    def evaluate(
        self, state: State, key: Key, windows: Sequence[WindowCounts], time: float
    ) -> tuple[State, Decision]:
        """Evaluate the windows that end at `time`, one per length of the policy in ascending order."""
        ...

    def describe(self, state: State, key: Key, windows: Sequence[WindowCounts], time: float) -> Decision:
        """The scores and the open alert, without a transition: for gauges after a recovery."""
        ...

    def next_evaluation(self, state: State, windows: Sequence[WindowCounts], time: float) -> float | None:
        """When to ask again even if no count changes before; None if nothing would come of it.

        `state` and `windows` are those of an evaluation at `time`; the answer is after `time`.
        """
        ...
