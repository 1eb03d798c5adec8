"""Sends what classify produces: results in offset order, ticks behind them, dead letters. Idempotent."""

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Iterable
from functools import cache
from typing import Any

from aiokafka import AIOKafkaProducer
from aiokafka.partitioner import murmur2

from stream.kafka.topics import TopicNames
from stream.messages import TICK_KEY, Classified, Origin, Tick, encode
from stream.settings import WorkerSettings

REQUEST_BYTES = 4 * 2**20  # a dead letter is a document of up to 1 MiB and headers
# Of one partition's records in a request; Kafka takes 1 MiB. aiokafka's own 16 KiB would send the 2 MB of rates that
# a back-fill's transaction may hold in 125 requests, each after the answer to the one before.
BATCH_BYTES = 2**19


class ResultProducer:
    """One idempotent producer: what it sends to a partition arrives in that order, once, or not at all."""

    def __init__(self, settings: WorkerSettings, partitions: int) -> None:
        self.names = TopicNames(settings.prefix)
        self.partitions = partitions  # of `classified`
        self.producer = AIOKafkaProducer(
            **settings.connection.client_options(),
            enable_idempotence=True,
            request_timeout_ms=int(settings.broker_timeout_seconds * 1000),
            max_request_size=REQUEST_BYTES,
            max_batch_size=BATCH_BYTES,
            linger_ms=2,
        )

    async def start(self) -> None:
        await self.producer.start()

    async def stop(self) -> None:
        await self.producer.stop()

    @cache  # noqa: B019 - the process has one publisher, and a few dozen keys
    def partition_of(self, key: bytes) -> int:
        """The partition of `classified` that has a key, as Kafka's own producers choose it."""
        number: int = murmur2(key) & 0x7FFFFFFF
        return number % self.partitions


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


class SendBatch:
    """What one batch sends; agents share the producer, and each waits for its own sends."""

    def __init__(self, publisher: ResultProducer) -> None:
        self._publisher = publisher
        self._results: dict[int, list[tuple[bytes, bytes]]] = defaultdict(list)  # by partition; not yet sent
        self._sends: list[Awaitable[Any]] = []

    def classified(self, message: Classified) -> None:
        """Leaves with `confirmed`, in order."""
        key = message.key.encode()
        self._results[self._publisher.partition_of(key)].append((key, encode(message)))

    async def dead_letter(self, value: bytes | None, origin: Origin, reason: str) -> None:
        """The original bytes; reason and coordinates go into the headers."""
        coordinates = f"{origin.topic}/{origin.partition}/{origin.offset}"
        headers = [
            ("reason", reason.encode()),
            ("topic", origin.topic.encode()),
            ("partition", str(origin.partition).encode()),
            ("offset", str(origin.offset).encode()),
        ]
        await self._send(self._publisher.names.dead_letters, value, coordinates.encode(), headers=headers)

    async def ticks(self, ticks: Iterable[Tick]) -> None:
        """Tell every partition of `classified`; call after `confirmed`: results stand before their tick."""
        for tick in ticks:
            for partition in range(self._publisher.partitions):
                await self._send(
                    self._publisher.names.classified, encode(tick), TICK_KEY, partition=partition
                )

    async def confirmed(self) -> None:
        """Wait until the broker has everything so far; raises the first send's error."""
        producer, topic = self._publisher.producer, self._publisher.names.classified
        for partition, records in self._results.items():
            self._sends += await send_records(producer, topic, partition, records)
        self._results.clear()
        sends, self._sends = self._sends, []
        await asyncio.gather(*sends)

    async def _send(self, topic: str, value: bytes | None, key: bytes, **where: Any) -> None:
        self._sends.append(await self._publisher.producer.send(topic, value, key=key, **where))
