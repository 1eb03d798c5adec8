"""Transactional producers: one for each partition that a worker holds; and sending many records cheaply."""

from collections.abc import Awaitable, Iterable
from typing import Any

from aiokafka import AIOKafkaProducer

from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection

LONGEST_TRANSACTION_MS = 900_000  # a broker allows no more unless configured otherwise
# Of one partition's records in a request; Kafka takes 1 MiB. aiokafka's own 16 KiB would send the 2 MB of rates that
# a back-fill's transaction may hold in 125 requests, each after the answer to the one before.
BATCH_BYTES = 2**19


def too_large(prefix: str) -> StreamError:
    """A topic takes smaller batches than workers send: it was not made by `bearwatch topics`, or changed."""
    return StreamError(
        f"a record batch is larger than one of the topics {prefix}* takes (max.message.bytes); `bearwatch topics` "
        "lists which one must be raised"
    )


def transactional_producer(
    connection: KafkaConnection, transactional_id: str, timeout_seconds: float, request_bytes: int
) -> AIOKafkaProducer:
    """A producer whose start fences every other one of the same id and aborts the transaction it left open.

    Args:
        timeout_seconds: for a request, and for a transaction that its producer does not end.
        request_bytes: the largest record that it may send, with its headers.
    """
    timeout_ms = int(timeout_seconds * 1000)
    return AIOKafkaProducer(
        **connection.client_options(),
        transactional_id=transactional_id,
        transaction_timeout_ms=min(timeout_ms, LONGEST_TRANSACTION_MS),
        request_timeout_ms=timeout_ms,
        max_batch_size=BATCH_BYTES,
        max_request_size=request_bytes,
        linger_ms=0,
    )


async def send_records(
    producer: AIOKafkaProducer, topic: str, partition: int, records: Iterable[tuple[bytes, bytes | None]]
) -> list[Awaitable[Any]]:
    """Send to one partition, in order; gives what to wait for, one for thousands of records.

    A send of its own for each record would cost three times its making.
    """
    sends = []
    batch = producer.create_batch()
    for key, value in records:
        if batch.append(timestamp=None, key=key, value=value) is None:  # full
            sends.append(await producer.send_batch(batch, topic, partition=partition))
            batch = producer.create_batch()
            batch.append(timestamp=None, key=key, value=value)  # the first always fits
    if batch.record_count():
        sends.append(await producer.send_batch(batch, topic, partition=partition))
    return sends
