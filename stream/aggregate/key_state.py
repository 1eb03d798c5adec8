"""One key: its panes, its detectors and its open alerts, evaluated at pane ends. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec
from msgspec import UNSET

from alerting.alerts import Alert, Evidence, build_alert
from alerting.detection.policy import Policy
from alerting.detector import Decision, Detector, KeyDecision, Transition, WindowCounts
from alerting.kinds import RATE_KIND
from bearwatch.core.key import Key
from bearwatch.core.times import utc
from stream.aggregate.changes import Changes
from stream.aggregate.panes import MINUTE, Panes
from stream.aggregate.state import DetectorRecord, KeyRecord, decode_minute, encode_record
from stream.aggregate.windows import NOTHING, Counts
from stream.messages import Rate

EVIDENCE_SHOWN = 5


@dataclass(frozen=True)
class KeySettings:
    """What all keys of a worker have in common."""

    policy: Policy
    detectors: Sequence[Detector[Any]]
    model: str  # hash, for alerts

    @cached_property
    def detail_seconds(self) -> int:
        """Minutes that ended so long ago are behind every window and take no document: they are archived."""
        time = self.policy.time
        late = time.allowed_lateness_seconds + time.max_out_of_orderness_seconds
        return max(*self.policy.windows.lengths_seconds, math.ceil(late)) + MINUTE

    @cached_property
    def memory_seconds(self) -> int:
        """Minutes that ended so long ago are forgotten: a copy of their stories is a new story."""
        return _ceil(max(math.ceil(self.policy.time.story_memory_seconds), self.detail_seconds), MINUTE)


class KeyState:
    """Counts a key's documents and evaluates it."""

    def __init__(self, name: str, settings: KeySettings, record: KeyRecord | None = None) -> None:
        record = record or KeyRecord()
        self.name = name
        self.key = Key.parse(name)
        windows = settings.policy.windows
        self._lengths = windows.lengths_seconds
        self.panes = Panes(windows.lengths_seconds, windows.evaluate_every_seconds)
        self.decisions: list[KeyDecision] = []  # the last ones, by kind; empty before the first evaluation
        self._settings = settings
        self._detail, self._memory = settings.detail_seconds, settings.memory_seconds
        self._historical = {kind: held.historical for kind, held in record.detectors.items()}
        self.detector_states = {
            each.kind: _state(each, record.detectors.get(each.kind)) for each in settings.detectors
        }
        self._emitted: list[Counts] = [record.emitted.get(length, NOTHING) for length in self._lengths]
        self._due = record.due  # when the detectors are asked even if no count changes by then
        self._asked = self.panes.counts  # what the detectors were last given

    @property
    def record(self) -> KeyRecord:
        """What is kept of the key in addition to its counts."""
        detectors = {
            kind: DetectorRecord(encode_record(state), self._historical.get(kind, False))
            for kind, state in self.detector_states.items()
        }
        return KeyRecord(detectors, dict(zip(self._lengths, self._emitted, strict=True)), self._due)

    def restore(self, minutes: Mapping[int, bytes], evaluated: int | None) -> None:
        """Put back the encoded minutes read from `state` and slide the windows to where they stood."""
        for minute in sorted(minutes):
            self.panes.restore(minute, decode_minute(minutes[minute]))
            if evaluated is not None:
                self.panes.archive(evaluated - self._detail)  # at once: few are held as objects at a time
        if evaluated is None:
            return
        self.panes.move(evaluated)
        self._asked = self.panes.counts
        counts = self._window_counts(evaluated)
        self.decisions = [
            KeyDecision(
                self.key,
                each.kind,
                each.describe(self.detector_states[each.kind], self.key, counts, float(evaluated)),
                self._historical.get(each.kind, False),
            )
            for each in self._settings.detectors
        ]

    def ask_at(self, end: int) -> None:
        """Ask the detectors at a pane end even if no window has changed by then: a late document came."""
        self._due = end if self._due is None else min(end, self._due)

    @property
    def next_evaluation(self) -> int | None:
        """The pane end at which the key must be evaluated next; None where nothing is to come."""
        panes = self.panes
        soonest = panes.next_change
        if self._due is not None and (soonest is None or self._due < soonest):
            soonest = self._due
        if panes.counts is not self._emitted and panes.counts != self._emitted:
            emission = (panes.end or 0) // MINUTE * MINUTE + MINUTE
            if soonest is None or emission < soonest:
                soonest = emission
        oldest = panes.oldest
        if oldest is not None and (soonest is None or oldest + self._memory < soonest):
            forgotten = _ceil(oldest + panes.pane_seconds, MINUTE) + self._memory
            if soonest is None or forgotten < soonest:
                soonest = forgotten
        return soonest

    def evaluate(self, end: int, now: float, changes: Changes) -> None:
        """Slide to a pane end and ask the detectors, if anything they look at has changed."""
        panes = self.panes
        panes.move(end)
        full_minute = end % MINUTE == 0
        if full_minute and panes.oldest is not None and panes.oldest < end - self._detail:
            for minute, record in panes.archive(end - self._detail):
                changes.archive(self.name, minute, record)
            for minute in panes.forget(end - self._memory):
                changes.forget(self.name, minute)
        counts = panes.counts
        if (counts is not self._asked and counts != self._asked) or (
            self._due is not None and self._due <= end
        ):
            self._ask(end, now, changes)
            self._asked = counts
        if full_minute and counts != self._emitted:
            changes.rates += self._rates(counts, end)
            self._emitted = counts
            changes.keys.add(self.name)

    def _window_counts(self, end: int) -> list[WindowCounts]:
        time = float(end)  # a state read back holds floats: it must be the same one
        return [
            WindowCounts(length, time, *counts)
            for length, counts in zip(self._lengths, self.panes.counts, strict=True)
        ]

    def _ask(self, end: int, now: float, changes: Changes) -> None:
        counts, due, evaluated_at = self._window_counts(end), math.inf, float(end)
        decisions, historical = [], self._historical
        for detector in self._settings.detectors:
            kind = detector.kind
            before = self.detector_states[kind]
            state, decision = detector.evaluate(before, self.key, counts, evaluated_at)
            if state is not before:
                self.detector_states[kind] = state
                changes.keys.add(self.name)
            if decision.alert is not None:
                self._add_alert(kind, decision, end, now, changes)
            decisions.append(KeyDecision(self.key, kind, decision, historical.get(kind, False)))
            time = detector.next_evaluation(state, counts, evaluated_at)
            if time is not None and time < due:
                due = time
        self.decisions = decisions  # replaced as a whole: scrapes read it from another thread
        pane = self.panes.pane_seconds
        ask_at = None if due == math.inf else max(_ceil(math.ceil(due), pane), end + pane)
        if ask_at != self._due:
            self._due = ask_at
            changes.keys.add(self.name)

    def _add_alert(self, kind: str, decision: Decision, end: int, now: float, changes: Changes) -> None:
        """Make the message of an alert that fires, changes or resolves."""
        was_historical = self._historical.get(kind, False)
        late = now - end > self._settings.policy.time.historical_after_seconds
        state: Transition | None = decision.transition
        if state is None and decision.firing and was_historical and not late:
            state = "updated"  # it fired while the stream was catching up, and it still holds
        if state is not None:
            historical = late if state == "firing" else was_historical and (late or state == "resolved")
            changes.alerts.append(self._alert(kind, decision, state, now, historical))
            self._historical[kind] = historical and state != "resolved"
            changes.keys.add(self.name)

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
                Evidence(
                    text=each.text,
                    source=each.source,
                    url=each.url,
                    probability=each.probability,
                    model=each.model,
                )
                for each in leading
            ),
            detected_at=now,
            historical=historical,
            model=self._settings.model,
            policy=self._settings.policy.hash,
        )

    def _rates(self, counts: Sequence[Counts], end: int) -> list[Rate]:
        """Of the windows whose counts are not those last written to `rates`."""
        decision = next(each.decision for each in self.decisions if each.kind == RATE_KIND)
        key, window_end = self.key, utc(end)
        return [
            Rate(
                key=self.name,
                stream=key.stream,
                topic=key.name if key.dimension == "topic" else UNSET,
                entity=key.name if key.dimension == "entity" else UNSET,
                window_seconds=window.length,
                window_end=window_end,
                documents=now[0],
                negative_documents=now[1],
                stories=now[2],
                negative_stories=now[3],
                sources=now[4],
                negative_ratio=now[3] / now[2] if now[2] else None,
                baseline_ratio=decision.baseline_ratio,
                score=scored.score,
                p_value=scored.p_value,
            )
            for window, now, before, scored in zip(
                self.panes.windows.all, counts, self._emitted, decision.scores, strict=True
            )
            if now != before
        ]


def _state(detector: Detector[Any], record: DetectorRecord | None) -> Any:
    if record is None:
        return detector.initial()
    return msgspec.msgpack.decode(record.state, type=detector.state_type)


def _ceil(time: int, step: int) -> int:
    return -(-time // step) * step
