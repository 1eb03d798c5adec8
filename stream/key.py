"""One key (a topic of a stream): its panes, its detector and its open alert, evaluated at pane ends. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from alerting.alerts import Alert, Evidence, build_alert
from alerting.detector import DetectorState, Verdict, WindowCounts, evaluate
from alerting.policy import Policy

from stream.panes import MINUTE, MinuteRecord, Panes
from stream.state import ActiveAlert, KeyRecord
from stream.wire import Classified, Rate, moment

EVIDENCE_SHOWN = 5


@dataclass
class Outcome:
    """What one evaluation gives."""

    rates: list[Rate] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    due: set[int] = field(default_factory=set)  # pane ends at which this key must be evaluated again
    forgotten: list[int] = field(default_factory=list)  # minutes whose records are of no use any more
    record_changed: bool = False


class Key:
    """Counts a key's documents and evaluates it."""

    def __init__(self, name: str, policy: Policy, model: str, record: KeyRecord | None = None) -> None:
        self.name = name
        self.stream, _, self.topic = name.partition("/topic:")
        self.record = record or KeyRecord(detector=DetectorState())
        self.verdict: Verdict | None = None  # of the last evaluation; None after a recovery
        self._policy = policy
        self._model = model
        self.panes = Panes(list(policy.windows.lengths_seconds), policy.windows.evaluate_every_seconds)
        self._evaluated = self.counts()  # the windows as the detector last saw them

    def restore(self, minutes: dict[int, MinuteRecord], evaluated: int) -> None:
        """Put back the minutes read from `state` and slide the windows to where they stood."""
        for minute, record in minutes.items():
            self.panes.restore(minute, record)
        self.panes.move(evaluated)
        self._evaluated = self.counts()

    def counts(self) -> list[WindowCounts]:
        """The windows where they stand."""
        return [window.counts(self.panes.end or 0) for window in self.panes.windows]

    def due_after(self, time: float, evaluated: int | None) -> set[int]:
        """The pane ends at which a document of that time changes a window or meets a boundary.

        It enters every window at the end of its pane and leaves the window of length L one length later; at
        the next bucket boundary the baseline takes it in, and in the end its minute is forgotten.
        """
        pane = self.panes.pane_seconds
        start = int(time // pane) * pane
        bucket = self._policy.baseline.bucket_seconds
        times = {start + pane, *(start + length + pane for length in self._policy.windows.lengths_seconds)}
        times |= {_ceil(start + pane, bucket), _ceil(start + MINUTE, MINUTE) + self._memory}
        if evaluated is None:
            return times
        later = {time for time in times if time > evaluated}
        return later if start + pane > evaluated else later | {evaluated + pane}

    @property
    def _memory(self) -> int:
        return _ceil(self._policy.time.story_memory_seconds, MINUTE)

    def evaluate(self, end: int, now: float) -> Outcome:
        """Slide to a pane end and ask the detector, if anything it looks at has changed."""
        outcome = Outcome()
        self.panes.move(end)
        counts = self.counts()
        full_minute = end % MINUTE == 0
        emit = [_figures(each) for each in counts] != self._emitted()
        at_bucket = end % self._policy.baseline.bucket_seconds == 0 and any(each.documents for each in counts)
        changed = [_figures(each) for each in counts] != [_figures(each) for each in self._evaluated]
        if changed or at_bucket or self.record.detector.active or (emit and full_minute):
            self._detect(counts, end, now, outcome)
        if emit and full_minute:
            outcome.rates = self._rates(counts)
            self.record.emitted = [_figures(each) for each in counts]
            outcome.record_changed = True
        elif emit:
            outcome.due.add(_ceil(end, MINUTE))
        if full_minute:
            outcome.forgotten = self.panes.forget(end - self._memory)
        self._set_due(end + self.panes.pane_seconds if self.record.detector.active else None, outcome)
        return outcome

    def force(self, due: int) -> None:
        """Ask for an evaluation at a pane end even if no window has changed by then (a late document)."""
        self.record.due = due

    def _set_due(self, due: int | None, outcome: Outcome) -> None:
        if due is not None:
            outcome.due.add(due)
        if due != self.record.due:
            self.record.due = due
            outcome.record_changed = True

    def _detect(self, counts: list[WindowCounts], end: int, now: float, outcome: Outcome) -> None:
        before = self.record.detector
        self.record.detector, self.verdict = evaluate(before, self.stream, counts, end, self._policy)
        self._evaluated = counts
        outcome.record_changed |= self.record.detector != before
        state = self.verdict.transition
        active = self.record.alert
        historical = now - end > self._policy.time.historical_after_seconds
        if state is None and active is not None and active.historical and not historical:
            state = "updated"  # it rang while the stream was catching up, and it still holds
        if state is None:
            return
        if state != "resolved" and active is not None:
            historical = active.historical and historical
        elif state == "resolved" and active is not None:
            historical = active.historical
        alert = self._alert(state, counts, now, historical)
        self.record.alert = None if state == "resolved" else _active(alert, self.verdict, active)
        outcome.alerts.append(alert)
        outcome.record_changed = True
