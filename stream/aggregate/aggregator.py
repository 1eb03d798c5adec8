"""Counts and evaluates one partition of `classified`: messages in, changed records, rates and alerts out. Pure."""

import math
from collections.abc import Iterable, Iterator

from alerting.detection.policy import Policy
from alerting.detector import KeyDecision
from alerting.kinds import detectors
from stream.aggregate.changes import Changes
from stream.aggregate.key_state import KeySettings, KeyState
from stream.aggregate.panes import MINUTE
from stream.aggregate.state import (
    POSITION_KEY,
    PartitionState,
    PositionRecord,
    encode_record,
    key_record_key,
    minute_record_key,
)
from stream.aggregate.timers import EventTimeTimers
from stream.aggregate.watermark import Watermark
from stream.messages import Classified, Origin, Tick


class Aggregator:
    """The keys of one partition.

    The same messages in the same order give the same records, rates and alerts, whenever they are applied and
    however they are cut into batches; `now` only dates alerts and decides which are historical.

    Args:
        policy: what an alert is.
        model: hash of the model, for alerts.
        sources: the source partitions, as ticks name them; they hold the watermark.
        state: what the `state` topic holds of this partition; None where it is empty.
        partitions: how many partitions `classified` has; kept with the state.
    """

    def __init__(
        self,
        policy: Policy,
        model: str,
        sources: Iterable[str],
        state: PartitionState | None = None,
        partitions: int = 1,
    ) -> None:
        state = state or PartitionState()
        sources = list(sources)
        self._settings = KeySettings(policy, detectors(policy), model)
        self._partitions = partitions
        self._pane = policy.windows.evaluate_every_seconds
        self._historical_after_seconds = policy.time.historical_after_seconds
        self.offset = state.position.offset  # the next message to apply
        self.evaluated = state.position.evaluated
        if self.evaluated is not None:  # the panes may have been shorter, under another policy
            self.evaluated -= self.evaluated % self._pane
        self.watermark = Watermark(sources, state.position.source_watermarks)
        self.keys: dict[str, KeyState] = {}
        self._source_partitions = state.position.source_partitions or sources
        self._source_numbers: dict[tuple[str, int], int] = {}  # (topic, partition) -> place in the list
        self._timers = EventTimeTimers()
        self._closed_before = -math.inf  # panes that end at or before it take no more documents
        self._waiting: list[
            tuple[int, Classified]
        ] = []  # counted, not yet in any evaluation; with the pane's end
        self._changes = Changes()
        self._restore(state)

    def _restore(self, state: PartitionState) -> None:
        for name in state.minutes.keys() | state.keys.keys():
            key = self.keys[name] = KeyState(name, self._settings, state.keys.get(name))
            key.restore(state.minutes.get(name, {}), self.evaluated)
            self._set_timer(key)
        self._close_panes()

    @property
    def stories(self) -> int:
        """How many stories are remembered."""
        return sum(len(key.panes.stories) for key in list(self.keys.values()))

    def apply(self, message: Classified | Tick, now: float) -> None:
        """Apply the message at `offset`; a tick may evaluate panes. `now` is in Unix seconds."""
        self.offset += 1
        if isinstance(message, Tick):
            self.watermark.observe(message.source, message.event_time, message.clock)
            self._evaluate(now)
        else:
            self._count(message, now)

    def _event_time(self) -> float | None:
        time = self.watermark.time
        return None if time is None else time - self._settings.policy.time.max_out_of_orderness_seconds

    def _close_panes(self) -> None:
        """Panes close when the allowed lateness is over; those that may be archived are closed in any case."""
        time, closed = self._event_time(), -math.inf
        if time is not None:
            closed = time - self._settings.policy.time.allowed_lateness_seconds
        if self.evaluated is not None:
            closed = max(closed, self.evaluated - self._settings.detail_seconds)
        self._closed_before = closed

    def _count(self, message: Classified, now: float) -> None:
        time, name, origin = message.event_time.timestamp(), message.key, message.origin
        source_partition = self._source_numbers.get((origin.topic, origin.partition))
        if source_partition is None:
            source_partition = self._number_source(origin)
        key = self.keys.get(name)
        if key is not None and key.panes.holds(source_partition, origin.offset):
            self._changes.repeated.append(message)  # counted before, or of a topic that was recreated
            return
        second = math.floor(time)
        pane_end = second - second % self._pane + self._pane
        if pane_end <= self._closed_before:
            self._changes.late.append(message)
            return
        if key is None:
            key = self._new_key(name)
        first_of_pane = key.panes.add(time, source_partition, message)
        self._changes.minutes.add((name, second // MINUTE))
        if now - time < self._historical_after_seconds:  # the latency of a backlog means nothing
            self._waiting.append((pane_end, message))
        if self.evaluated is not None and pane_end <= self.evaluated:
            key.ask_at(self.evaluated + self._pane)
            self._changes.keys.add(name)
            self._set_timer(key)
        elif first_of_pane and ((timer := self._timers.get(name)) is None or pane_end < timer):
            self._timers.set(name, pane_end)

    def _number_source(self, origin: Origin) -> int:
        name = f"{origin.topic}-{origin.partition}"
        if name not in self._source_partitions:
            self._source_partitions = [*self._source_partitions, name]
        number = self._source_partitions.index(name)
        self._source_numbers[origin.topic, origin.partition] = number
        return number

    def _new_key(self, name: str) -> KeyState:
        key = self.keys[name] = KeyState(name, self._settings)
        if self.evaluated is not None:
            key.panes.move(self.evaluated)
        self._changes.keys.add(name)
        return key

    def _set_timer(self, key: KeyState) -> None:
        time = key.next_evaluation
        if time is not None and self.evaluated is not None:
            time = max(time, self.evaluated + self._pane)  # a new policy may ask for an earlier time
        self._timers.set(key.name, time)

    def _evaluate(self, now: float) -> None:
        time = self._event_time()
        if time is None:
            return
        limit = int(time // self._pane) * self._pane
        for end, name in self._timers.due(limit):
            key = self.keys[name]
            key.evaluate(end, now, self._changes)
            self._timers.set(name, key.next_evaluation)
        if self.evaluated is None or limit > self.evaluated:
            self.evaluated = limit
            self._meet_evaluation(limit)
        self._close_panes()

    def _meet_evaluation(self, limit: int) -> None:
        self._changes.evaluated += [message for end, message in self._waiting if end <= limit]
        self._waiting = [each for each in self._waiting if each[0] > limit]

    def decisions(self) -> Iterator[KeyDecision]:
        """What the metrics show; may be called from another thread."""
        return (each for key in list(self.keys.values()) for each in key.decisions)

    def take_changes(self) -> Changes:
        """Everything since the last call, the partition's position included."""
        changes, self._changes = self._changes, Changes()
        for name, minute in changes.minutes:
            record = self.keys[name].panes.minutes[minute]
            changes.records[minute_record_key(name, minute)] = encode_record(record)
        for name in changes.keys:
            changes.records[key_record_key(name)] = encode_record(self.keys[name].record)
        changes.records[POSITION_KEY] = encode_record(
            PositionRecord(
                offset=self.offset,
                evaluated=self.evaluated,
                source_watermarks=self.watermark.source_watermarks,
                source_partitions=self._source_partitions,
                partitions=self._partitions,
            )
        )
        return changes
