"""What classify sends: in order, ticks behind the results, dead letters as they came."""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import pytest
from exactness import records
from messages import classified

from bearwatch.local.kafka import LocalKafka
from stream.classify.result_producer import BATCH_BYTES, ResultProducer, SendBatch, send_records
from stream.kafka.topics import TopicNames, create_topics
from stream.messages import TICK_KEY, Classified, Origin, Tick
from stream.settings import WorkerSettings

PARTITIONS = 2


@pytest.fixture
def names(broker: LocalKafka, prefix: str) -> TopicNames:
    create_topics(broker.connection, names := TopicNames(prefix), partitions=PARTITIONS)
    return names


def publish(broker: LocalKafka, names: TopicNames, work: Callable[[ResultProducer], Awaitable[None]]) -> None:
    async def run() -> None:
        publisher = ResultProducer(WorkerSettings(broker.connection, names.prefix), PARTITIONS)
        await publisher.start()
        try:
            async with asyncio.timeout(60):
                await work(publisher)
        finally:
            await publisher.stop()

    asyncio.run(run())


def test_results_stand_in_order_before_their_tick(broker: LocalKafka, names: TopicNames):
    messages = [classified(float(number), topic=f"T{number % 5}") for number in range(2000)]
    tick = Tick(source="news-0", offset=2000, event_time=1999.0)

    async def work(publisher: ResultProducer) -> None:
        outbox = SendBatch(publisher)
        for message in messages:
            outbox.classified(message)
        await outbox.confirmed()
        await outbox.ticks([tick])
        await outbox.confirmed()

    publish(broker, names, work)
    stands: dict[int, list] = {number: [] for number in range(PARTITIONS)}
    for record in records(broker.bootstrap, names.classified):
        stands[record.partition].append(record)
    found = 0
    for inside in stands.values():
        assert inside[-1].key == TICK_KEY
        assert msgspec.json.decode(inside[-1].value, type=Tick) == tick
        results = [msgspec.json.decode(record.value, type=Classified) for record in inside[:-1]]
        offsets = [result.origin.offset for result in results]
        assert offsets == sorted(offsets)
        assert [record.key.decode() for record in inside[:-1]] == [result.key for result in results]
        found += len(results)
    assert found == len(messages)


def test_a_dead_letter_is_the_original_with_its_place(broker: LocalKafka, names: TopicNames):
    values = [b"", None, b"\xff" * 1_048_000]

    async def work(publisher: ResultProducer) -> None:
        outbox = SendBatch(publisher)
        for offset, value in enumerate(values):
            await outbox.dead_letter(value, Origin("bearwatch.news", 3, offset), "why \u2013 so")
        await outbox.confirmed()

    publish(broker, names, work)
    letters = list(records(broker.bootstrap, names.dead_letters))
    assert [letter.value for letter in letters] == values
    assert [letter.key for letter in letters] == [b"bearwatch.news/3/%d" % offset for offset in range(3)]
    assert dict(letters[2].headers) == {
        "reason": "why \u2013 so".encode(),
        "topic": b"bearwatch.news",
        "partition": b"3",
        "offset": b"2",
    }


def test_records_of_one_partition_keep_their_order_over_batches(broker: LocalKafka, names: TopicNames):
    """More than one batch holds, one record larger than a batch, and one that removes a key."""
    pairs: list[tuple[bytes, bytes | None]] = [(b"%d" % number, b"x" * 1000) for number in range(1200)]
    pairs += [(b"large", b"x" * (BATCH_BYTES + 1)), (b"removed", None), (b"last", b"")]

    async def work(publisher: ResultProducer) -> None:
        sends = await send_records(publisher.producer, names.state, 1, pairs)
        await asyncio.gather(*sends)
        assert 3 <= len(sends) <= 6
        assert await send_records(publisher.producer, names.state, 1, []) == []

    publish(broker, names, work)
    found = list(records(broker.bootstrap, names.state))
    assert [(record.key, record.value) for record in found] == pairs
    assert {record.partition for record in found} == {1}
