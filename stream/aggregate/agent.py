"""The I/O boundary of aggregate: batches of `classified` to the partition tasks."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import msgspec

from alerting.monitoring.metrics import Metrics
from bearwatch.core.key import Key
from bearwatch.core.printable import brief
from stream.aggregate.changes import Changes
from stream.aggregate.partition import PartitionTask
from stream.errors import StreamError
from stream.kafka.batches import batches
from stream.kafka.positions import Event
from stream.messages import SCHEMA_VERSION, TICK_KEY, Classified, Tick

BATCH_MESSAGES = 1000
BATCH_SECONDS = 0.05
# Batches that wait for a partition whose state is being read, so that the others continue; some 50 MB at the most.
WAITING_BATCHES = 50

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
log = logging.getLogger("bearwatch.aggregate")


class _Versioned(msgspec.Struct):
    """What every message of every release has."""

    schema_version: int


_version = msgspec.json.Decoder(_Versioned)
_classified = msgspec.json.Decoder(Classified)
_tick = msgspec.json.Decoder(Tick)


@dataclass
class AggregateAgent:
    """Hands each message to its partition's task, which applies and commits it. No partition waits for another."""

    tasks: Mapping[int, PartitionTask]  # by partition; changed at rebalances
    assignment_ready: asyncio.Event  # cleared while the assignment changes
    metrics: Metrics
    since: float  # the worker's start, Unix seconds; the latency of older documents would mean nothing
    _queues: dict[int, asyncio.Queue[list[Any]]] = field(default_factory=dict)  # of messages, by partition

    async def run(self, events: AsyncIterator[Event]) -> None:
        """Until the events end.

        Raises:
            Exception: the first that applying a batch raises.
        """
        try:
            async with asyncio.TaskGroup() as group:
                async for batch in batches(events, BATCH_MESSAGES, BATCH_SECONDS):
                    by_partition: dict[int, list[Any]] = defaultdict(list)
                    for event in batch:
                        by_partition[event.message.partition].append(event.message)
                    waits = [await self._put(group, *each) for each in by_partition.items()]
                    await asyncio.gather(*(wait for wait in waits if wait is not None))
                for queue in self._queues.values():
                    await queue.put([])  # the end
        except ExceptionGroup as errors:
            raise errors.exceptions[0] from None

    async def _put(
        self, group: asyncio.TaskGroup, partition: int, messages: list[Any]
    ) -> Awaitable[None] | None:
        """Queue a batch; gives what to wait for until it is applied, or None while the partition's state is read."""
        if partition not in self._queues:
            self._queues[partition] = asyncio.Queue(WAITING_BATCHES)
            group.create_task(self._work(partition, self._queues[partition]))
        queue = self._queues[partition]
        await queue.put(messages)
        task = self.tasks.get(partition)
        return queue.join() if task is None or task.ready.is_set() else None

    async def _work(self, partition: int, queue: asyncio.Queue[list[Any]]) -> None:
        while messages := await queue.get():
            await self.assignment_ready.wait()
            task = self.tasks.get(partition)
            if task is not None:  # else revoked meanwhile: another worker applies them
                await self._apply(task, messages)
            queue.task_done()

    async def _apply(self, task: PartitionTask, messages: list[Any]) -> None:
        batch = [(message.fetched_from, message.offset, decode_or_skip(message)) for message in messages]
        now = time.time()
        self._observe(await task.apply(batch, now), now)

    def _observe(self, changes: Changes, now: float) -> None:
        for late in (each for each in changes.late if each.is_of_topic):  # each document once
            self.metrics.late_documents.labels(late.stream).inc()
        for repeated in (each for each in changes.repeated if each.is_of_topic):
            self.metrics.repeated_documents.labels(repeated.stream).inc()
        if changes.repeated:
            _warn_of_repeated(changes.repeated)
        for alert in changes.alerts:
            self.metrics.alert_transitions.labels(alert.stream, alert.kind, alert.severity, alert.state).inc()
        for message in (each for each in changes.evaluated if each.is_of_topic):
            if message.event_time.timestamp() >= self.since:
                age = now - message.published_at.timestamp()
                self.metrics.end_to_end_seconds.labels(message.stream).observe(max(0.0, age))


def _warn_of_repeated(messages: list[Classified]) -> None:
    origin = messages[-1].origin
    log.warning(
        "%s partition %d, offset %d: not counted, as later documents of its key and partition were. Were the group's "
        "offsets reset? Then all is well. Was the topic recreated? Then it is missing: see docs/OPERATING.md, "
        '"A topic was recreated"',
        origin.topic,
        origin.partition,
        origin.offset,
    )


def decode_or_skip(message: Any) -> Classified | Tick | None:
    """As `decode`, but None, with a line in the log, for what no worker of any release wrote: nothing is counted twice
    or lost for it, and a worker that ended there would end there again.

    Raises:
        StreamError: it is a message of another release.
    """
    try:
        return decode(message)
    except StreamError as error:
        if _is_of_another_release(message.value):
            raise
        log.error("passed over: %s", error)
        return None


def _is_of_another_release(value: bytes | None) -> bool:
    try:
        return _version.decode(value or b"").schema_version != SCHEMA_VERSION
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False


def decode(message: Any) -> Classified | Tick:
    """Read one record of `classified`.

    Raises:
        StreamError: it is not a message of this release.
    """
    try:
        if message.key != TICK_KEY:
            result = _classified.decode(message.value)
            Key.parse(result.key)
            if result.event_time < EPOCH:  # Kafka's timestamps begin there, and so do panes
                raise ValueError("event_time is before 1970")
            return result
        tick = _tick.decode(message.value)
    except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
        raise StreamError(
            f"{message.topic} partition {message.partition}, offset {message.offset}: not a message of this release "
            f"({brief(error)}); was it written by another one?"
        ) from None
    # The broker's clock, which stamped the record: that of one worker may be wrong, and would close panes.
    now = message.timestamp
    return msgspec.structs.replace(
        tick,
        event_time=None if tick.event_time is None else min(tick.event_time, now),
        clock=None if tick.clock is None else min(tick.clock, now),
    )
