"""The `alerts` topic as people use it: read what is committed, add an acknowledgement."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import msgspec
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from alerting.alerts import Alert
from alerting.evidence.acknowledgements import Acknowledgement, decode
from stream.errors import StreamError
from stream.kafka.admin import require_topics
from stream.kafka.connection import KafkaConnection
from stream.messages import encode

log = logging.getLogger("bearwatch.alerts")
Message = Alert | Acknowledgement
POLL_MS = 500
STALL_SECONDS = 30.0  # a topic that cannot be read on for this long
CYCLE_SECONDS = 10.0  # to ask for records and for the topic's end
RECONNECT_SECONDS = 2.0
REQUEST_MS = 10_000


async def read(connection: KafkaConnection, topic: str, take: Callable[[Message], None]) -> None:
    """Hand over every message that is committed by now.

    Raises:
        StreamError: no broker answers, the topic is missing or cannot be read to its end.
    """
    await asyncio.to_thread(require_topics, connection, [topic])
    try:
        async with asyncio.timeout(None) as limit, _consumer(connection, topic, 0) as (consumer, partition):
            end, reached = (await consumer.end_offsets([partition]))[partition], -1
            while (position := await consumer.position(partition)) < end:
                if position > reached:  # the limit is on standing still, not on a long topic
                    reached = position
                    limit.reschedule(asyncio.get_running_loop().time() + STALL_SECONDS)
                await _poll(consumer, take)
    except (KafkaError, TimeoutError) as error:
        raise StreamError(f"{topic} at {connection} cannot be read to its end: {error!r}") from None


async def follow(
    connection: KafkaConnection, topic: str, take: Callable[[Message], None], seen: Callable[[], None]
) -> None:
    """Hand over every committed message, then each new one, until cancelled; a broker that is away is waited for.

    `seen` is called whenever the broker has confirmed that everything is read.
    """
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # it reports each attempt; we report the outcome
    position = 0
    while True:
        try:
            async with _consumer(connection, topic, position) as (consumer, partition):
                while True:
                    # After a restart of its only broker, a consumer may wait for ever; a new one does not.
                    async with asyncio.timeout(CYCLE_SECONDS):
                        await _poll(consumer, take)
                        position = await consumer.position(partition)
                        if position >= (await consumer.end_offsets([partition]))[partition]:
                            seen()
        except (KafkaError, TimeoutError) as error:
            log.warning("%s cannot be read (%r); trying again", topic, error)
            await asyncio.sleep(RECONNECT_SECONDS)


async def append(connection: KafkaConnection, topic: str, acknowledgement: Acknowledgement) -> None:
    """Write it and wait until all replicas have it.

    Raises:
        StreamError: it may not be there.
    """
    producer = AIOKafkaProducer(
        **connection.client_options(), acks="all", enable_idempotence=True, request_timeout_ms=REQUEST_MS
    )
    try:
        await producer.start()
        await producer.send_and_wait(topic, encode(acknowledgement), key=acknowledgement.key.encode())
    except KafkaError as error:
        raise StreamError(f"Kafka at {connection} did not take the acknowledgement: {error!r}") from None
    finally:
        await producer.stop()


@asynccontextmanager
async def _consumer(
    connection: KafkaConnection, topic: str, offset: int
) -> AsyncIterator[tuple[AIOKafkaConsumer, TopicPartition]]:
    """A consumer that stands at an offset of the topic, which has one partition: people read it in order."""
    consumer = AIOKafkaConsumer(
        **connection.client_options(),
        isolation_level="read_committed",
        auto_offset_reset="earliest",
        enable_auto_commit=False,
        request_timeout_ms=REQUEST_MS,
    )
    partition = TopicPartition(topic, 0)
    try:
        await consumer.start()
        consumer.assign([partition])
        consumer.seek(partition, offset)
        yield consumer, partition
    finally:
        # In a task of its own: with the broker gone, `stop` raises the CancelledError of the consumer's own tasks,
        # which would end ours.
        await asyncio.wait({asyncio.create_task(consumer.stop())}, timeout=CYCLE_SECONDS)


async def _poll(consumer: AIOKafkaConsumer, take: Callable[[Message], None]) -> None:
    for records in (await consumer.getmany(timeout_ms=POLL_MS)).values():
        for record in records:
            try:
                take(decode(record.value))
            except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, TypeError) as error:
                log.warning("%s, offset %d: not an alert, left out: %s", record.topic, record.offset, error)
