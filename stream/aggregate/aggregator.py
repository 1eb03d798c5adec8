"""Counts and evaluates one partition of `classified`: messages in, changed records, rates and alerts out. Pure."""

import heapq
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from alerting.alerts import Alert
from alerting.detection.policy import Policy
from alerting.kinds import detectors
from alerting.monitoring.metrics import KeyReading
from stream.aggregate.key_state import KeyState
from stream.aggregate.panes import MINUTE, MinuteRecord
from stream.aggregate.state import (
    POSITION_KEY,
    PartitionState,
    PositionRecord,
    encode_record,
    key_record_key,
    minute_record_key,
)
from stream.aggregate.watermark import Watermark
from stream.messages import Classified, Rate, Tick


@dataclass
class Changes:
    """What one batch of messages leads to; it belongs into one transaction."""

    records: dict[bytes, bytes | None] = field(default_factory=dict)  # of `state`; None removes
    rates: list[Rate] = field(default_factory=list)
    alerts: list[Alert] = field(default_factory=list)
    late: list[Classified] = field(default_factory=list)  # for a closed pane: not counted
    evaluated: list[Classified] = field(default_factory=list)  # met their first evaluation


class Aggregator:
    """The keys of one partition.

    The same messages in the same order give the same records, rates and alerts, whenever they are applied and
    however they are cut into batches; `now` only dates alerts and tells historical ones.
    """

    def __init__(
        self, policy: Policy, model: str, sources: Iterable[str], state: PartitionState | None = None
    ) -> None:
        state = state or PartitionState()
        self._policy = policy
        self._model = model
        self._detectors = detectors(policy)
        self._pane = policy.windows.evaluate_every_seconds
        self.offset = state.position.offset  # the next message to apply
        self.evaluated = state.position.evaluated
        self.watermark = Watermark(sources, state.position.claims)
        self.keys: dict[str, KeyState] = {}
        self._due: dict[int, set[str]] = defaultdict(set)
        self._times: list[int] = []  # a heap of the pane ends in `_due`
        self._waiting: list[Classified] = []  # counted, not yet in any evaluation
        self._changed_minutes: set[tuple[str, int]] = set()
        self._changed_keys: set[str] = set()
        self._changes = Changes()
        self._restore(state)

    def _restore(self, state: PartitionState) -> None:
        minutes: dict[str, dict[int, MinuteRecord]] = defaultdict(dict)
        for (name, minute), record in state.minutes.items():
            minutes[name][minute] = record
        for name in minutes.keys() | state.keys.keys():
            key = self.keys[name] = KeyState(
                name, self._policy, self._detectors, self._model, state.keys.get(name)
            )
            key.restore(minutes[name], self.evaluated)
            for due in key.pending(self.evaluated):
                self._schedule(due, name)

    @property
    def closed_before(self) -> float | None:
        """Panes that end at or before it take no more documents."""
        time = self._event_time()
        return None if time is None else time - self._policy.time.allowed_lateness_seconds

    def _event_time(self) -> float | None:
        time = self.watermark.time
        return None if time is None else time - self._policy.time.max_out_of_orderness_seconds

    def apply(self, message: Classified | Tick, now: float) -> None:
        """Apply the message at `offset`; a tick may evaluate panes."""
        self.offset += 1
        if isinstance(message, Tick):
            self.watermark.observe(message.source, message.event_time, message.clock)
            self._evaluate(now)
        else:
            self._count(message, now)

    def _count(self, message: Classified, now: float) -> None:
        time = message.event_time.timestamp()
        closed = self.closed_before
        pane_end = int(time // self._pane + 1) * self._pane
        key = self.keys.get(message.key)
        if key is not None and key.panes.holds(message):
            return  # sent again after a kill: counted before
        if closed is not None and pane_end <= closed:
            self._changes.late.append(message)
            return
        if key is None:
            key = self.keys[message.key] = KeyState(message.key, self._policy, self._detectors, self._model)
            if self.evaluated is not None:
                key.panes.move(self.evaluated)
            self._changed_keys.add(message.key)
        key.panes.add(message)
        self._changed_minutes.add((message.key, int(time // MINUTE)))
        if now - time < self._policy.time.historical_after_seconds:  # of a backlog nobody asks how old it is
            self._waiting.append(message)
        for turn in key.turns(time):
            if self.evaluated is None or turn > self.evaluated:
                self._schedule(turn, message.key)
        if self.evaluated is not None and pane_end <= self.evaluated:
            key.force(self.evaluated + self._pane)
            self._schedule(self.evaluated + self._pane, message.key)
            self._changed_keys.add(message.key)

    def _schedule(self, end: int, name: str) -> None:
        if end not in self._due:
            heapq.heappush(self._times, end)
        self._due[end].add(name)

    def _evaluate(self, now: float) -> None:
        time = self._event_time()
        if time is None:
            return
        limit = int(time // self._pane) * self._pane
        while self._times and self._times[0] <= limit:
            end = heapq.heappop(self._times)
            for name in sorted(self._due.pop(end)):
                self._evaluate_key(name, end, now)
        if self.evaluated is None or limit > self.evaluated:
            self.evaluated = limit
            met = [each for each in self._waiting if each.event_time.timestamp() < limit]
            if met:
                self._changes.evaluated += met
                self._waiting = [each for each in self._waiting if each.event_time.timestamp() >= limit]

    def _evaluate_key(self, name: str, end: int, now: float) -> None:
        outcome = self.keys[name].evaluate(end, now)
        self._changes.rates += outcome.rates
        self._changes.alerts += outcome.alerts
        for due in outcome.due:
            self._schedule(due, name)
        self._changed_minutes.update((name, minute) for minute in outcome.forgotten)
        if outcome.record_changed:
            self._changed_keys.add(name)

    def readings(self) -> Iterator[KeyReading]:
        """What the metrics show; may be called from another thread."""
        return (reading for key in list(self.keys.values()) for reading in key.readings)

    def take_changes(self) -> Changes:
        """Everything since the last call, the partition's position included."""
        changes, self._changes = self._changes, Changes()
        for name, minute in self._changed_minutes:
            record = self.keys[name].panes.minutes.get(minute)
            changes.records[minute_record_key(name, minute)] = (
                None if record is None else encode_record(record)
            )
        for name in self._changed_keys:
            changes.records[key_record_key(name)] = encode_record(self.keys[name].record)
        position = PositionRecord(offset=self.offset, evaluated=self.evaluated, claims=self.watermark.claims)
        changes.records[POSITION_KEY] = encode_record(position)
        self._changed_minutes.clear()
        self._changed_keys.clear()
        return changes
