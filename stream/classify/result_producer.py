"""Sends what classify produces: results, ticks and dead letters of a source partition, with its offset."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import lru_cache

from aiokafka import AIOKafkaProducer, TopicPartition
from aiokafka.errors import MessageSizeTooLargeError, ProducerFenced
from aiokafka.partitioner import murmur2

from stream.classify.dead_letters import DeadLetter
from stream.classify.progress import source_name
from stream.errors import StreamError
from stream.kafka.topics import TopicNames
from stream.kafka.transactions import send_records, too_large, transactional_producer
from stream.messages import TICK_KEY, Classified, Tick, encode
from stream.settings import WorkerSettings

REQUEST_BYTES = 2**20  # what a broker takes; the largest record is a dead letter, with half of it


@lru_cache(4096)  # there are a few dozen keys of topics
def partition_of(key: bytes, partitions: int) -> int:
    """The partition that has a key, as Kafka's own producers choose it."""
    number: int = murmur2(key) & 0x7FFFFFFF
    return number % partitions


@dataclass
class SendBatch:
    """What follows from some consecutive records of one source partition; it belongs into one transaction."""

    offset: int = 0  # the next record to be read after them
    event_time: float | None = None  # the largest one among them, Unix seconds
    results: list[Classified] = field(default_factory=list)  # in offset order
    dead_letters: list[DeadLetter] = field(default_factory=list)


class ResultProducer:
    """The transactional producer of one source partition: its start fences the one of the worker before."""

    def __init__(self, settings: WorkerSettings, source: TopicPartition, partitions: int) -> None:
        self._names = TopicNames(settings.prefix)
        self._group = settings.group
        self._source = source
        self._partitions = partitions  # of `classified`
        self._producer = transactional_producer(
            settings.connection,
            f"{settings.prefix}classify-{source_name(source)}",
            settings.broker_timeout_seconds,
            REQUEST_BYTES,
        )

    async def start(self) -> None:
        """Returns once no earlier worker can commit any more; a transaction that it left open is aborted."""
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def commit(self, batch: SendBatch, tick: Tick) -> None:
        """Send it all and the source's offset in one transaction; each partition's tick stands behind its results.

        Raises:
            StreamError: another worker has taken the partition over, or a topic takes no batch of that size.
        """
        producer = self._producer
        try:
            async with producer.transaction():
                sends = [
                    await producer.send(
                        self._names.dead_letters, letter.value, key=letter.key, headers=letter.headers
                    )
                    for letter in batch.dead_letters
                ]
                for partition, records in self._by_partition(batch.results, tick).items():
                    sends += await send_records(producer, self._names.classified, partition, records)
                offsets = producer.send_offsets_to_transaction({self._source: batch.offset}, self._group)
                await asyncio.gather(offsets, *sends)
        except ProducerFenced:
            raise StreamError(
                f"another worker took over {self._source.topic} partition {self._source.partition}: this one was "
                "silent for longer than its session, or a second group works on the same topics"
            ) from None
        except MessageSizeTooLargeError:
            raise too_large(self._names.prefix) from None

    def _by_partition(
        self, results: Iterable[Classified], tick: Tick
    ) -> dict[int, list[tuple[bytes, bytes]]]:
        records: dict[int, list[tuple[bytes, bytes]]] = defaultdict(list)
        for result in results:
            key = result.key.encode()
            records[partition_of(key, self._partitions)].append((key, encode(result)))
        for partition in range(self._partitions):
            records[partition].append((TICK_KEY, encode(tick)))
        return records


class TickProducer:
    """Ticks of idle sources, outside of any transaction: repeated, late or from a worker that was replaced, a tick
    says what was true when its clock was read, and a watermark never goes back."""

    def __init__(self, settings: WorkerSettings, partitions: int) -> None:
        self._topic = TopicNames(settings.prefix).classified
        self._partitions = partitions  # of `classified`
        self._producer = AIOKafkaProducer(
            **settings.connection.client_options(),
            enable_idempotence=True,
            request_timeout_ms=int(settings.broker_timeout_seconds * 1000),
        )

    async def start(self) -> None:
        await self._producer.start()

    async def stop(self) -> None:
        await self._producer.stop()

    async def send(self, ticks: Iterable[Tick]) -> None:
        """Write them to every partition of `classified`, and wait until the broker has them."""
        records = [(TICK_KEY, encode(tick)) for tick in ticks]
        sends = [
            each
            for partition in range(self._partitions)
            for each in await send_records(self._producer, self._topic, partition, records)
        ]
        await asyncio.gather(*sends)
