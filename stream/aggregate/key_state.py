"""One key (a topic of a stream): its panes, its detector and its open alert, evaluated at pane ends. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from alerting.alerts import Alert, Evidence, build_alert
from alerting.detection.detector import (
    Decision,
    DetectorState,
    Transition,
    WindowCounts,
    describe,
    ends_bucket,
    evaluate,
)
from alerting.detection.policy import Policy
from alerting.monitoring.metrics import KeyReading
from bearwatch.core.streams import Stream
from bearwatch.core.times import utc
from stream.aggregate.panes import MINUTE, MinuteRecord, Panes
from stream.aggregate.state import KeyRecord
from stream.messages import Rate

EVIDENCE_SHOWN = 5
Figures = dict[
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


class Key:
    """Counts a key's documents and evaluates it."""

    def __init__(self, name: str, policy: Policy, model: str, record: KeyRecord | None = None) -> None:
        self.name = name
        self.stream: Stream = "news" if name.startswith("news/") else "comments"
        self.topic = name.partition(":")[2]
        self.record = record or KeyRecord(detector=DetectorState())
        # What the metrics show of the last evaluation, if there was one. Replaced as a whole: scrapes read it from
        # another thread.
        self.reading: KeyReading | None = None
        self._policy = policy
        self._model = model
        self.panes = Panes(policy.windows.lengths_seconds, policy.windows.evaluate_every_seconds)
        self._judged = _figures(self.counts())  # what the detector last saw

    def restore(self, minutes: dict[int, MinuteRecord], evaluated: int | None) -> None:
        """Put back the minutes read from `state` and slide the windows to where they stood."""
        for minute, record in minutes.items():
            self.panes.restore(minute, record)
        if evaluated is not None:
            self.panes.move(evaluated)
            decision = describe(self.record.detector, self.stream, self.counts(), evaluated, self._policy)
            self.reading = KeyReading(self.name, decision, self.record.historical)
        self._judged = _figures(self.counts())

    def counts(self) -> list[WindowCounts]:
        """The windows where they stand."""
        return [window.counts(self.panes.end or 0) for window in self.panes.windows]

    def turns(self, time: float) -> set[int]:
        """The pane ends at which a document of that time changes a window or meets a boundary.

        It enters every window at the end of its pane and leaves the window of length L one length later; at
        the next bucket boundary the baseline takes it in, and in the end its minute is forgotten.
        """
        pane = self.panes.pane_seconds
        start = int(time // pane) * pane
        leaves = {start + length + pane for length in self._policy.windows.lengths_seconds}
        bucket = _ceil(start + pane, self._policy.baseline.bucket_seconds)
        return {start + pane, bucket, _ceil(start + pane, MINUTE) + self._memory, *leaves}

    def pending(self, evaluated: int | None) -> set[int]:
        """All pane ends at which a recovered key must be evaluated."""
        starts = (start for record in self.panes.minutes.values() for start in record.panes)
        turns = {turn for start in starts for turn in self.turns(start)}
        if self.record.due is not None:
            turns.add(self.record.due)
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
        figures = _figures(counts)
        emit = self._changed_windows(figures)
        full_minute = end % MINUTE == 0
        at_bucket = ends_bucket(end, self._policy) and any(each.documents for each in counts)
        if figures != self._judged or at_bucket or self.record.detector.active or (emit and full_minute):
            self._detect(counts, end, now, outcome)
            self._judged = figures
        if emit and full_minute:
            outcome.rates = self._rates(counts, emit)
            self.record.emitted = figures
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

    def _detect(self, counts: Sequence[WindowCounts], end: int, now: float, outcome: Outcome) -> None:
        before, was_historical = self.record.detector, self.record.historical
        self.record.detector, decision = evaluate(before, self.stream, counts, end, self._policy)
        outcome.record_changed |= self.record.detector != before
        late = now - end > self._policy.time.historical_after_seconds
        state: Transition | None = decision.transition
        if state is None and decision.firing and was_historical and not late:
            state = "updated"  # it rang while the stream was catching up, and it still holds
        if state is not None:
            historical = late if state == "firing" else was_historical and (late or state == "resolved")
            outcome.alerts.append(self._alert(decision, state, now, historical))
            self.record.historical = historical and state != "resolved"
            outcome.record_changed = True
        self.reading = KeyReading(self.name, decision, self.record.historical)

    def _alert(self, decision: Decision, state: Transition, now: float, historical: bool) -> Alert:
        assert decision.decisive is not None  # noqa: S101 (a decision with an alert has one)
        window = decision.decisive.counts
        leading = self.panes.evidence(int(window.window_start), int(window.window_end), EVIDENCE_SHOWN)
        return build_alert(
            self.name,
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

    def _changed_windows(self, figures: Figures) -> set[int]:
        """The windows, by their seconds, whose counts are not those last written to `rates`."""
        return {
            seconds for seconds, now in figures.items() if now != self.record.emitted.get(seconds, NOTHING)
        }

    def _rates(self, counts: Sequence[WindowCounts], changed: set[int]) -> list[Rate]:
        assert self.reading is not None  # noqa: S101 (`evaluate` asks the detector before it emits)
        decision = self.reading.decision
        return [
            Rate(
                key=self.name,
                stream=self.stream,
                topic=self.topic,
                window_seconds=window.window_seconds,
                window_end=utc(window.window_end),
                documents=window.documents,
                negative_documents=window.negative_documents,
                stories=window.stories,
                negative_stories=window.negative_stories,
                sources=window.sources,
                negative_ratio=window.negative_stories / window.stories if window.stories else None,
                baseline_ratio=decision.baseline_ratio,
                p_value=reading.p_value,
            )
            for window, reading in zip(counts, decision.readings, strict=True)
            if window.window_seconds in changed
        ]


def _figures(counts: Sequence[WindowCounts]) -> Figures:
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
