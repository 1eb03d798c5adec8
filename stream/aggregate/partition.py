"""Holds one partition of `classified`: fences the worker that held it, reads its state, applies and commits.

The recipe, each part of which was found necessary (counts were lost without it):
1. one transactional producer per partition, started before the state is read, ends that of the worker before;
2. one transaction holds the changed records, the rates, the alerts and the partition's position;
3. only the message at exactly that position is applied: a lower one was applied before, a higher one was fetched out
   of order and comes again behind those before it;
4. a failed send ends the process.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence

from aiokafka import TopicPartition
from aiokafka.errors import MessageSizeTooLargeError, ProducerFenced

from alerting.alerts import Alert
from alerting.detection.policy import Policy
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.changes import Changes
from stream.aggregate.recovery import recover
from stream.errors import StreamError
from stream.kafka.offsets import OffsetsClient
from stream.kafka.positions import is_contiguous
from stream.kafka.topics import STATE_BYTES, TopicNames
from stream.kafka.transactions import send_records, too_large, transactional_producer
from stream.messages import Classified, Tick, encode
from stream.settings import WorkerSettings

READERS_PARTITION = 0  # `rates` and `alerts` have one partition: what people read stands in order
log = logging.getLogger("bearwatch.worker")


class PartitionTask:
    """One partition of `classified` while this worker holds it."""

    def __init__(
        self,
        partition: int,
        partitions: int,
        settings: WorkerSettings,
        explain: Callable[[list[Alert]], Awaitable[list[Alert]]],
    ) -> None:
        self.partition = partition
        self._partitions = partitions  # of `classified`
        self.ready = asyncio.Event()  # the state was read, or the partition given up
        self._held = True  # false once the partition is given up, and during a rebalance
        self.aggregator: Aggregator | None = None  # None until the state has been read
        self.position: int | None = (
            None  # the next message by the last commit; None until the state has been read
        )
        # Of a steady clock: a later message came, the one at the position did not.
        self.offset_gap_since: float | None = None
        self._names = TopicNames(settings.prefix)
        self._settings = settings
        self._explain = explain
        self._lock = asyncio.Lock()
        self._state_end = 0  # of the partition of `state`, as far as this worker knows
        self._producer = transactional_producer(
            settings.connection,
            f"{settings.prefix}aggregate-{partition}",
            settings.broker_timeout_seconds,
            STATE_BYTES,
        )

    async def start(
        self, policy: Policy, model: str, sources: Sequence[str], offsets_client: OffsetsClient
    ) -> None:
        """Fence the worker that held the partition, read the state, and set `ready`: messages may be applied."""
        await self._producer.start()
        partitions, state = self._partitions, TopicPartition(self._names.state, self.partition)
        self._state_end = (await offsets_client.ends([state]))[state]
        aggregator = await recover(
            self._settings,
            self.partition,
            partitions,
            lambda state: Aggregator(policy, model, sources, state, partitions),
        )
        classified = TopicPartition(self._names.classified, self.partition)
        begin = (await offsets_client.begins([classified]))[classified]
        end = (await offsets_client.ends([classified]))[classified]
        aggregator.offset = self._next_offset(aggregator.offset, begin, end)
        self._check_group(aggregator.offset, (await offsets_client.committed([classified]))[classified])
        self._expect(aggregator, sources)
        self.aggregator, self.position = aggregator, aggregator.offset
        self.ready.set()

    def _expect(self, aggregator: Aggregator, sources: Iterable[str]) -> None:
        for source in sources:  # some may have been added meanwhile
            aggregator.watermark.expect(source)

    def _next_offset(self, position: int, begin: int, end: int) -> int:
        place = f"{self._names.classified} partition {self.partition}"
        if position > end:
            raise StreamError(
                f"by {self._names.state} the next message of {place} is {position}, but that ends at {end}: "
                "was the topic recreated? Its messages would be passed over; recreate the state topic as well"
            )
        if position < begin:  # what retention took cannot be waited for
            log.warning("%s: %d messages were deleted before they were counted", place, begin - position)
        return max(position, begin)

    def _check_group(self, position: int, committed: int) -> None:
        """Raises StreamError where the group is ahead of the state, behind which it is committed: the consumer would
        never fetch what stands between."""
        if committed > position:
            raise StreamError(
                f"by {self._names.state} the next message of {self._names.classified} partition {self.partition} is "
                f"{position}, but by the consumer group {committed}: was the state topic recreated? Stop all workers "
                "and reset the group's offsets of that topic (kafka-consumer-groups --reset-offsets --to-earliest): "
                "it is counted anew"
            )

    async def apply(self, batch: Sequence[tuple[int, int, Classified | Tick | None]], now: float) -> Changes:
        """Apply what stands at the position and commit it, once the state has been read.

        Args:
            batch: each message with the offset from which on was looked for it, and its own; None is passed over.

        Returns what was changed. A task that was given up or paused meanwhile changes nothing: the batch comes again.
        """
        await self.ready.wait()
        async with self._lock:
            aggregator = self.aggregator
            if aggregator is None or not self._held:
                return Changes()
            start = aggregator.offset
            for fetched_from, offset, message in batch:
                if is_contiguous(aggregator.offset, fetched_from, offset):
                    aggregator.offset = offset  # what stands before it is invisible
                    if message is None:
                        aggregator.offset += 1
                    else:
                        aggregator.apply(message, now)
                    self.offset_gap_since = None
                elif offset > aggregator.offset and self.offset_gap_since is None:
                    self.offset_gap_since = time.monotonic()
            if aggregator.offset == start:
                return Changes()
            changes = aggregator.take_changes()
            changes.alerts = await self._explain(changes.alerts)
            try:
                await self._commit(changes)
            except ProducerFenced:
                raise StreamError(
                    f"another worker took over {self._names.classified} partition {self.partition}: this one was "
                    "silent for longer than its session, or a second group works on the same topics"
                ) from None
            except MessageSizeTooLargeError:
                raise too_large(self._names.prefix) from None
            self.position = aggregator.offset
            return changes

    async def _commit(self, changes: Changes) -> None:
        rates = ((rate.key.encode(), encode(rate)) for rate in changes.rates)
        alerts = ((alert.key.encode(), encode(alert)) for alert in changes.alerts)
        producer, names = self._producer, self._names
        async with producer.transaction():
            state = await send_records(producer, names.state, self.partition, changes.records.items())
            sends = [
                *await send_records(producer, names.rates, READERS_PARTITION, rates),
                *await send_records(producer, names.alerts, READERS_PARTITION, alerts),
            ]
            await asyncio.gather(*state, *sends)
            self._check_state([(await each).offset for each in state])

    def _check_state(self, offsets: Sequence[int]) -> None:
        """Take the offsets of the batches that were written to `state`.

        Raises:
            StreamError: what was written before is gone. The transaction must not be committed: the records of these
                changes alone would be taken for the whole state.
        """
        for offset in offsets:
            if 0 <= offset < self._state_end:
                raise StreamError(
                    f"{self._names.state} partition {self.partition} goes on at {offset}, but ended at "
                    f"{self._state_end}: was the topic recreated?"
                )
            self._state_end = max(self._state_end, offset + 1)

    async def pause(self) -> None:
        """A rebalance began: nothing is applied after the transaction under way, until `resume` or `stop`."""
        self._held = False
        async with self._lock:
            self.offset_gap_since = None

    def resume(self, sources: Iterable[str]) -> None:
        """The partition stays here; `sources` are all source partitions, of which some may be new.

        Had another worker taken the partition meanwhile, the next commit would be fenced.
        """
        if self.aggregator is not None:
            self._expect(self.aggregator, sources)
        self._held = True

    async def stop(self) -> None:
        """Give the partition up, after the transaction under way; who waits for the state waits no longer."""
        self._held = False
        self.ready.set()
        async with self._lock:
            await self._producer.stop()
