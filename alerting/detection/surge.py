"""The detector of surges: more negative stories than chance and the key's own baseline explain."""

from collections.abc import Sequence

import msgspec

from alerting.detection import baseline as memory
from alerting.detection.alert_state import NO_CHANGE, AlertState, AlertTiming, Change, advance, own_window
from alerting.detection.policy import Policy
from alerting.detection.scores import window_score
from alerting.detector import Decision, WindowCounts
from bearwatch.core.key import Key


class SurgeState(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that one key's next decision depends on besides its counts."""

    baseline: memory.Baseline = memory.Baseline()
    alert: AlertState = AlertState()


class SurgeDetector:
    """Baseline, scores and alert state put together; a `Detector[SurgeState]`."""

    state_type = SurgeState

    def __init__(self, kind: str, policy: Policy) -> None:
        self.kind = kind
        self._policy = policy
        self._expected: dict[Key, tuple[memory.Baseline, memory.Estimate]] = {}  # the last of each key
        self._bucket_seconds = policy.baseline.bucket_seconds
        self._bucket_index = policy.windows.lengths_seconds.index(self._bucket_seconds)
        self._timing = AlertTiming(
            evaluate_every_seconds=policy.windows.evaluate_every_seconds,
            consecutive_evaluations=policy.surge.consecutive_evaluations,
            clear_evaluations=policy.surge.clear_evaluations,
            cool_down_seconds=policy.surge.cool_down_seconds,
            max_firing_seconds=policy.baseline.max_freeze_hours * memory.SECONDS_PER_HOUR,
        )

    def initial(self) -> SurgeState:
        """The state of a key that has never been evaluated."""
        return SurgeState()

    def evaluate(
        self, state: SurgeState, key: Key, windows: Sequence[WindowCounts], time: float
    ) -> tuple[SurgeState, Decision]:
        """Let the baseline take in the bucket that ends now, score the windows, move the alert on."""
        baseline = self._fed(state, windows, time)
        decision = self._scored(baseline, key, windows, time)
        alert, change = advance(state.alert, decision.scores, time, self._timing)
        if change is NO_CHANGE:
            same = alert is state.alert and baseline is state.baseline
            return (state if same else SurgeState(baseline, alert)), decision
        baseline = self._after(baseline, change, time)
        decision = decision._replace(
            alert=change.alert,
            transition=change.transition,
            decisive=change.decisive,
            reason=self._reason(change),
        )
        return SurgeState(baseline, alert), decision

    def describe(self, state: SurgeState, key: Key, windows: Sequence[WindowCounts], time: float) -> Decision:
        """The scores and the open alert, without moving the state."""
        decision, firing = self._scored(state.baseline, key, windows, time), state.alert.firing
        if firing is None:
            return decision
        return decision._replace(alert=firing, decisive=own_window(firing, decision.scores))

    def next_evaluation(
        self, state: SurgeState, windows: Sequence[WindowCounts], time: float
    ) -> float | None:
        """The next pane end while an alert is open; the bucket's end while its window holds documents."""
        if state.alert.open:
            return time + self._timing.evaluate_every_seconds
        seconds = self._bucket_seconds
        return (time // seconds + 1) * seconds if windows[self._bucket_index].documents else None

    def _fed(self, state: SurgeState, windows: Sequence[WindowCounts], time: float) -> memory.Baseline:
        counts = windows[self._bucket_index]
        if time % self._bucket_seconds or not counts.documents:
            return state.baseline
        bucket = memory.Bucket(time, counts.stories, counts.negative_stories)
        return memory.fed(state.baseline, bucket, state.alert.firing is not None, self._policy.baseline)

    def _scored(
        self, baseline: memory.Baseline, key: Key, windows: Sequence[WindowCounts], time: float
    ) -> Decision:
        expected = self._estimate(baseline, key)
        scores = tuple([window_score(counts, expected, self._policy.surge) for counts in windows])
        return Decision(time, expected.ready, expected.ratio, scores)

    def _estimate(self, baseline: memory.Baseline, key: Key) -> memory.Estimate:
        """A baseline moves once a bucket; in between its estimate is the one from before."""
        last = self._expected.get(key)
        if last is None or last[0] is not baseline:
            estimate = memory.estimate(baseline, key.stream, self._policy.baseline)
            last = self._expected[key] = (baseline, estimate)
        return last[1]

    def _after(self, baseline: memory.Baseline, change: Change, time: float) -> memory.Baseline:
        if change.transition == "firing" and change.decisive is not None:
            return memory.without(baseline, change.decisive.counts.window_start)
        if change.transition == "resolved":
            return memory.reopened(baseline, time, change.new_normal)
        return baseline

    def _reason(self, change: Change) -> str | None:
        if not change.new_normal:
            return None
        hours = self._policy.baseline.max_freeze_hours
        return f"held for {hours:g} h: what was seen since it fired is the new normal"
