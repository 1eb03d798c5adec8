"""Reads any topic as people and pages need it: all that is committed, then each new record as it comes."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import msgspec
from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition
from aiokafka.errors import KafkaError

from bearwatch.core.errors import BearwatchError
from bearwatch.core.printable import brief
from stream.errors import StreamError
from stream.kafka.admin import require_topics
from stream.kafka.connection import KafkaConnection
from stream.kafka.offsets import partition_counts
from stream.kafka.reach import reach
from stream.kafka.readable_fetches import read_anything
from stream.kafka.record_batches import unreadable

log = logging.getLogger("bearwatch.follow")
Message = TypeVar("Message")
POLL_MS = 500
STALL_SECONDS = 30.0  # a topic that cannot be read on for this long
CYCLE_SECONDS = 10.0  # to ask for records and for the topic's end
RECONNECT_SECONDS = 2.0
REQUEST_MS = 10_000
METADATA_MS = 30_000  # a partition that is added is found within this time


class Follower(Generic[Message]):
    """Reads the committed records of all partitions of one topic; use one of `read` and `follow` at a time.

    A record that cannot be decoded is skipped and counted, and so is a batch that cannot be read; the first one of
    each reason is logged.
    """

    def __init__(
        self,
        connection: KafkaConnection,
        topic: str,
        decode: Callable[[bytes], Message],
        take: Callable[[Message], None],
        start: Mapping[int, int] | None = None,
        skipped: Counter[str] | None = None,
    ) -> None:
        """
        Args:
            connection: where the topic is.
            topic: its name.
            decode: a record's value into a message; raises ValueError, TypeError or msgspec's errors for a bad one.
            take: is called with each message, in the order of its partition.
            start: the offset to begin at, by partition; the others are read from their beginning.
            skipped: how many records were skipped, by reason; given by who shows it, for example in /healthz.
        """
        self.topic = topic
        self.positions = dict(start or {})  # the next offset to read, by partition
        self.skipped: Counter[str] = Counter() if skipped is None else skipped
        self._connection = connection
        self._decode = decode
        self._take = take

    async def read(self) -> None:
        """Hand over every message that is committed by now.

        Raises:
            StreamError: Kafka cannot be used, the topic is missing or cannot be read to its end.
        """
        # It reports where it begins, and that it may be elsewhere; nobody who lists alerts asks for that.
        logging.getLogger("aiokafka").setLevel(logging.WARNING)
        await asyncio.to_thread(require_topics, self._connection, [self.topic])
        try:
            async with asyncio.timeout(None) as limit, self._consumer() as consumer:
                ends = await consumer.end_offsets(consumer.assignment())
                reached: dict[int, int] = {}
                while not self._has_reached(ends):
                    if self.positions != reached:  # the limit is on standing still, not on a long topic
                        reached = dict(self.positions)
                        limit.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)
                    await self._poll(consumer)
        except (KafkaError, TimeoutError) as error:
            raise StreamError(
                f"{self.topic} at {self._connection} cannot be read to its end: {error!r}"
            ) from None

    async def follow(self, caught_up: Callable[[], None]) -> None:
        """Hand over every committed message, then each new one, until cancelled; a broker that is away is waited for.

        `caught_up` is called whenever the broker has confirmed that everything is read.
        """
        # It reports each attempt; we report the outcome.
        logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
        logged = ""  # the last reason; logged once, however long it lasts
        while True:
            try:
                await reach(self._connection, 0)
                async with self._consumer() as consumer:
                    while not self._has_grown(consumer):
                        # After a restart of its only broker, a consumer may wait for ever; a new one does not.
                        async with asyncio.timeout(CYCLE_SECONDS):
                            await self._poll(consumer)
                            ends = await consumer.end_offsets(consumer.assignment())
                        if self._has_reached(ends):
                            caught_up()
                            logged = ""
            # OSError: no more files, or a TimeoutError.
            except (KafkaError, OSError, BearwatchError) as error:
                reason = str(error) or repr(error)
                if reason != logged:
                    log.warning("%s cannot be read (%s); trying again", self.topic, reason)
                logged = reason
                await asyncio.sleep(RECONNECT_SECONDS)

    @asynccontextmanager
    async def _consumer(self) -> AsyncIterator[AIOKafkaConsumer]:
        """A consumer that stands at our position in every partition of the topic."""
        count = (await partition_counts(self._connection, [self.topic]))[self.topic]
        if not count:
            raise StreamError(f"the topic {self.topic} does not exist at {self._connection}")
        consumer = read_anything(
            AIOKafkaConsumer(
                **self._connection.client_options(),
                isolation_level="read_committed",
                auto_offset_reset="earliest",
                enable_auto_commit=False,
                request_timeout_ms=REQUEST_MS,
                metadata_max_age_ms=METADATA_MS,
            )
        )
        partitions = [TopicPartition(self.topic, number) for number in range(count)]
        try:
            await consumer.start()
            consumer.assign(partitions)
            begins = await consumer.beginning_offsets(partitions)
            for partition in partitions:
                consumer.seek(partition, self.positions.setdefault(partition.partition, begins[partition]))
            yield consumer
        finally:
            # In a task of its own: with the broker gone, `stop` raises the CancelledError of the consumer's own tasks,
            # which would end ours.
            await asyncio.wait({asyncio.create_task(consumer.stop())}, timeout=CYCLE_SECONDS)

    async def _poll(self, consumer: AIOKafkaConsumer) -> None:
        for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
            for record in records:
                self._accept(record)
                self.positions[record.partition] = record.offset + 1
        for partition in consumer.assignment():  # behind the last record there may be control records
            self.positions[partition.partition] = await consumer.position(partition)

    def _accept(self, record: "ConsumerRecord[bytes, bytes]") -> None:
        try:
            if (batch := unreadable(record.headers)) is not None:
                raise ValueError(batch.reason)
            message = self._decode(record.value)
        except (msgspec.MsgspecError, ValueError, TypeError, RecursionError) as error:
            reason = "in a batch that cannot be read" if record.headers else _reason(record.value, error)
            if not self.skipped[reason]:
                place = f"partition {record.partition}, offset {record.offset}"
                log.warning(
                    "%s, %s: skipped, as every record that is %s: %s",
                    record.topic,
                    place,
                    reason,
                    brief(error),
                )
            self.skipped[reason] += 1
        else:
            self._take(message)

    def _has_grown(self, consumer: AIOKafkaConsumer) -> bool:
        known = consumer.partitions_for_topic(self.topic)  # None before the first answer
        return known is not None and len(known) > len(consumer.assignment())

    def _has_reached(self, ends: Mapping[TopicPartition, int]) -> bool:
        return all(self.positions[partition.partition] >= end for partition, end in ends.items())


def _reason(value: bytes | None, error: Exception) -> str:
    """Few words for many records: an error's own text names a field or a byte."""
    if value is None:
        return "empty"
    return "not of the topic's schema" if isinstance(error, msgspec.ValidationError) else "not JSON"
