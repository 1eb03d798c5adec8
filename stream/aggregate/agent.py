"""The I/O boundary of aggregate: batches of `classified` to the partition tasks."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import msgspec

from alerting.monitoring.metrics import Metrics
from stream.aggregate.changes import Changes
from stream.aggregate.partition import PartitionTask
from stream.classify.agent import Event
from stream.errors import StreamError
from stream.kafka.batches import batches
from stream.messages import TICK_KEY, Classified, Tick

BATCH_MESSAGES = 1000
BATCH_SECONDS = 0.05

_classified = msgspec.json.Decoder(Classified)
_tick = msgspec.json.Decoder(Tick)


@dataclass
class AggregateAgent:
    """Hands each message to its partition's task, which applies and commits it."""

    owners: dict[int, PartitionTask]  # by partition; changed at rebalances
    assignment_ready: asyncio.Event  # cleared while the assignment changes
    metrics: Metrics
    since: float  # the worker's start, Unix seconds: what is older waited for it, which no latency tells

    async def run(self, events: AsyncIterator[Event]) -> None:
        async for batch in batches(events, BATCH_MESSAGES, BATCH_SECONDS):
            await self.assignment_ready.wait()
            by_partition: dict[int, list[Event]] = defaultdict(list)
            for event in batch:
                by_partition[event.message.partition].append(event)
            for partition, events_of_one in by_partition.items():
                owner = self.owners.get(partition)
                if owner is not None:  # else revoked meanwhile: its new owner applies them
                    await self._apply(owner, events_of_one)

    async def _apply(self, owner: PartitionTask, batch: list[Event]) -> None:
        messages = [
            (message.fetched_from, message.offset, decode(message))
            for message in (event.message for event in batch)
        ]
        now = time.time()
        self._observe(await owner.apply(messages, now), now)

    def _observe(self, changes: Changes, now: float) -> None:
        for late in changes.late:
            self.metrics.late_documents.labels(late.stream).inc()
        for alert in changes.alerts:
            self.metrics.alert_transitions.labels(alert.stream, alert.kind, alert.severity, alert.state).inc()
        for message in changes.evaluated:
            if message.event_time.timestamp() >= self.since:
                age = now - message.published_at.timestamp()
                self.metrics.end_to_end_seconds.labels(message.stream).observe(max(0.0, age))


def decode(message: Any) -> Classified | Tick:
    """Read one record of `classified`.

    Raises:
        StreamError: it is none; counts would be wrong if it were passed over.
    """
    try:
        if message.key != TICK_KEY:
            return _classified.decode(message.value)
        tick = _tick.decode(message.value)
    except (msgspec.MsgspecError, TypeError, ValueError) as error:
        raise StreamError(
            f"{message.topic} partition {message.partition}, offset {message.offset}: no message of this release "
            f"({error}); was it written by another one?"
        ) from None
    if tick.clock is None:
        return tick
    # The broker's clock, which stamped the record: that of one worker may be wrong, and would close panes.
    return msgspec.structs.replace(tick, clock=min(tick.clock, message.timestamp))
