"""One key: its panes, its detectors and its open alerts, evaluated at pane ends. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import UNSET

from alerting.alerts import Alert, Evidence, build_alert
from alerting.detection.policy import Policy
from alerting.detector import Decision, Detector, Transition, WindowCounts
from alerting.kinds import RATE_KIND
from alerting.monitoring.metrics import KeyReading
from bearwatch.core.key import Key
from bearwatch.core.times import utc
from stream.aggregate.panes import MINUTE, MinuteRecord, Panes
from stream.aggregate.state import DetectorRecord, KeyRecord
from stream.messages import Rate

EVIDENCE_SHOWN = 5
CountsByWindow = dict[
    int, list[int]
]  # by the window's seconds: documents, negative ones, stories, negative ones, sources
NOTHING = [0, 0, 0, 0, 0]


@dataclass
class Outcome:
    """What one evaluation gives."""

    rates: list[Rate] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    due: set[int] = field(default_factory=set)  # pane ends at which this key must be evaluated again
    forgotten: list[int] = field(default_factory=list)  # minutes whose records are of no use any more
    record_changed: bool = False


class KeyState:
    """Counts a key's documents and evaluates it."""

    def __init__(
        self,
        name: str,
        policy: Policy,
        detectors: Sequence[Detector[Any]],
        model: str,
        record: KeyRecord | None = None,
    ) -> None:
        self.key = Key.parse(name)
        self.record = record or KeyRecord()
        self._detectors = detectors
        for detector in detectors:
            held = self.record.detectors.setdefault(detector.kind, DetectorRecord(detector.initial()))
            held.state = msgspec.convert(held.state, detector.state_type)
        self._next: dict[str, int | None] = {}  # by kind: when to ask even if no count changes
        self._readings: dict[str, KeyReading] = {}  # by kind, of the last evaluation
        # The same for the metrics. Replaced as a whole: scrapes read it from another thread.
        self.readings: tuple[KeyReading, ...] = ()
        self._policy = policy
        self._model = model
        self.panes = Panes(policy.windows.lengths_seconds, policy.windows.evaluate_every_seconds)
        self._judged = _by_window(self.counts())  # what the detector last saw

    def restore(self, minutes: dict[int, MinuteRecord], evaluated: int | None) -> None:
        """Put back the minutes read from `state` and slide the windows to where they stood."""
        for minute, record in minutes.items():
            self.panes.restore(minute, record)
        if evaluated is not None:
            self.panes.move(evaluated)
            counts = self.counts()
            for detector in self._detectors:
                held = self.record.detectors[detector.kind]
                decision = detector.describe(held.state, self.key, counts, evaluated)
                self._read(detector.kind, decision)
                self._next[detector.kind] = self._next_evaluation(detector, counts, evaluated)
        self._judged = _by_window(self.counts())

    def counts(self) -> list[WindowCounts]:
        """The windows where they stand."""
        return [window.counts(self.panes.end or 0) for window in self.panes.windows]

    def turns(self, time: float) -> set[int]:
        """The pane ends at which a document of that time changes a window or meets a boundary.

        It enters every window at the end of its pane and leaves the window of length L one length later; in the end
        its minute is forgotten.
        """
        pane = self.panes.pane_seconds
        start = int(time // pane) * pane
        leaves = {start + length + pane for length in self._policy.windows.lengths_seconds}
        return {start + pane, _ceil(start + pane, MINUTE) + self._memory, *leaves}

    def pending(self, evaluated: int | None) -> set[int]:
        """All pane ends at which a recovered key must be evaluated."""
        starts = (start for record in self.panes.minutes.values() for start in record.panes)
        turns = {turn for start in starts for turn in self.turns(start)}
        turns |= {due for due in (self.record.due, *self._next.values()) if due is not None}
        if evaluated is None:
            return turns
        if self._changed_windows(self._judged):
            turns.add(_ceil(evaluated + 1, MINUTE))
        return {turn for turn in turns if turn > evaluated}

    @property
    def _memory(self) -> int:
        return _ceil(int(self._policy.time.story_memory_seconds), MINUTE)

    def evaluate(self, end: int, now: float) -> Outcome:
        """Slide to a pane end and ask the detector, if anything it looks at has changed."""
        outcome = Outcome()
        self.panes.move(end)
        counts = self.counts()
        counted = _by_window(counts)
        emit = self._changed_windows(counted)
        full_minute = end % MINUTE == 0
        changed = counted != self._judged or bool(emit and full_minute)
        for detector in self._detectors:
            due = self._next.get(detector.kind)
            if changed or (due is not None and due <= end):
                self._detect(detector, counts, end, now, outcome)
        self._judged = counted
        outcome.due |= {due for due in self._next.values() if due is not None and due > end}
        if emit and full_minute:
            outcome.rates = self._rates(counts, emit)
            self.record.emitted = counted
            outcome.record_changed = True
        elif emit:
            outcome.due.add(_ceil(end, MINUTE))
        if full_minute:
            outcome.forgotten = self.panes.forget(end - self._memory)
        if self.record.due is not None and self.record.due <= end:
            self.record.due = None
            outcome.record_changed = True
        return outcome

    def force(self, due: int) -> None:
        """Ask for an evaluation at a pane end even if no window has changed by then (a late document)."""
        self.record.due = due

    def _next_evaluation(
        self, detector: Detector[Any], counts: Sequence[WindowCounts], end: int
    ) -> int | None:
        """The pane end at which the detector wants to be asked again."""
        state = self.record.detectors[detector.kind].state
        time = detector.next_evaluation(state, counts, end)
        return None if time is None else max(_ceil(math.ceil(time), self.panes.pane_seconds), end + 1)

    def _read(self, kind: str, decision: Decision) -> None:
        self._readings[kind] = KeyReading(self.key, kind, decision, self.record.detectors[kind].historical)
        self.readings = tuple(self._readings.values())

    def _detect(
        self, detector: Detector[Any], counts: Sequence[WindowCounts], end: int, now: float, outcome: Outcome
    ) -> None:
        held = self.record.detectors[detector.kind]
        before, was_historical = held.state, held.historical
        held.state, decision = detector.evaluate(before, self.key, counts, end)
        outcome.record_changed |= held.state != before
        self._next[detector.kind] = self._next_evaluation(detector, counts, end)
        late = now - end > self._policy.time.historical_after_seconds
        state: Transition | None = decision.transition
        if state is None and decision.firing and was_historical and not late:
            state = "updated"  # it fired while the stream was catching up, and it still holds
        if state is not None:
            historical = late if state == "firing" else was_historical and (late or state == "resolved")
            outcome.alerts.append(self._alert(detector.kind, decision, state, now, historical))
            held.historical = historical and state != "resolved"
            outcome.record_changed = True
        self._read(detector.kind, decision)

    def _alert(self, kind: str, decision: Decision, state: Transition, now: float, historical: bool) -> Alert:
        assert decision.decisive is not None  # noqa: S101 (a decision with an alert has one)
        window = decision.decisive.counts
        leading = self.panes.evidence(int(window.window_start), int(window.window_end), EVIDENCE_SHOWN)
        return build_alert(
            self.key,
            kind,
            decision,
            state,
            evidence=tuple(
                Evidence(text=each.text, source=each.source, url=each.url, probability=each.probability)
                for each in leading
            ),
            detected_at=now,
            historical=historical,
            model=self._model,
            policy=self._policy.hash,
        )

    def _changed_windows(self, counted: CountsByWindow) -> set[int]:
        """The windows, by their seconds, whose counts are not those last written to `rates`."""
        return {
            seconds for seconds, now in counted.items() if now != self.record.emitted.get(seconds, NOTHING)
        }

    def _rates(self, counts: Sequence[WindowCounts], changed: set[int]) -> list[Rate]:
        decision = self._readings[RATE_KIND].decision  # `evaluate` asks the detectors before it emits
        return [
            Rate(
                key=str(self.key),
                stream=self.key.stream,
                topic=self.key.name if self.key.dimension == "topic" else UNSET,
                entity=self.key.name if self.key.dimension == "entity" else UNSET,
                window_seconds=window.window_seconds,
                window_end=utc(window.window_end),
                documents=window.documents,
                negative_documents=window.negative_documents,
                stories=window.stories,
                negative_stories=window.negative_stories,
                sources=window.sources,
                negative_ratio=window.negative_stories / window.stories if window.stories else None,
                baseline_ratio=decision.baseline_ratio,
                score=scored.score,
                p_value=scored.p_value,
            )
            for window, scored in zip(counts, decision.scores, strict=True)
            if window.window_seconds in changed
        ]


def _by_window(counts: Sequence[WindowCounts]) -> CountsByWindow:
    return {
        each.window_seconds: [
            each.documents,
            each.negative_documents,
            each.stories,
            each.negative_stories,
            each.sources,
        ]
        for each in counts
    }


def _ceil(time: int, step: int) -> int:
    return -(-time // step) * step
