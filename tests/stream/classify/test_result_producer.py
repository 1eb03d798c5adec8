"""What classify sends: in order, ticks behind the results, dead letters as they came, all of it or nothing."""

import asyncio
from collections.abc import Awaitable
from typing import Any

import msgspec
import pytest
from aiokafka import TopicPartition
from exactness import records
from kafka.admin import ConfigResource, ConfigResourceType
from messages import classified

from bearwatch.local.kafka import LocalKafka
from stream.classify.dead_letters import VALUE_BYTES, DeadLetter
from stream.classify.result_producer import ResultProducer, SendBatch, TickProducer
from stream.errors import StreamError
from stream.kafka.admin import admin_client
from stream.kafka.offsets import OffsetsClient
from stream.kafka.topics import TopicNames, create_topics
from stream.kafka.transactions import BATCH_BYTES, send_records, transactional_producer
from stream.messages import TICK_KEY, BadDocument, Classified, Origin, Tick
from stream.settings import WorkerSettings

PARTITIONS = 2
TICK = Tick(source="news-0", offset=2000, event_time=1999.0)

# aiokafka leaves a connection to the garbage collector when its producer was fenced.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture
def names(broker: LocalKafka, prefix: str) -> TopicNames:
    create_topics(broker.connection, names := TopicNames(prefix), partitions=PARTITIONS)
    return names


@pytest.fixture
def settings(broker: LocalKafka, names: TopicNames) -> WorkerSettings:
    return WorkerSettings(broker.connection, names.prefix, f"{names.prefix}group")


def within_a_minute(work: Awaitable[None]) -> None:
    async def run() -> None:
        async with asyncio.timeout(60):
            await work

    asyncio.run(run())


def reached(settings: WorkerSettings, source: TopicPartition) -> int:
    async def ask() -> int:
        offsets_client = OffsetsClient(settings.connection, settings.group)
        await offsets_client.start()
        try:
            return (await offsets_client.reached([source]))[source]
        finally:
            await offsets_client.stop()

    return asyncio.run(ask())


def send(settings: WorkerSettings, batch: SendBatch, tick: Tick = TICK) -> TopicPartition:
    source = TopicPartition(TopicNames(settings.prefix).news, 0)

    async def run() -> None:
        producer = ResultProducer(settings, source, PARTITIONS)
        await producer.start()
        try:
            await producer.commit(batch, tick)
        finally:
            await producer.stop()

    within_a_minute(run())
    return source


def fill(broker: LocalKafka, names: TopicNames, count: int) -> None:
    """Records in `news`, whose offsets can be committed."""

    async def run() -> None:
        producer = transactional_producer(broker.connection, f"{names.prefix}feed", 60, 2**20)
        await producer.start()
        async with producer.transaction():
            await asyncio.gather(*await send_records(producer, names.news, 0, [(b"", b"")] * count))
        await producer.stop()

    within_a_minute(run())


def test_results_stand_in_order_before_their_tick(
    broker: LocalKafka, names: TopicNames, settings: WorkerSettings
):
    fill(broker, names, 2000)
    messages = [classified(float(number), topic=f"T{number % 5}") for number in range(2000)]
    source = send(settings, SendBatch(2000, 1999.0, messages))
    stands: dict[int, list[Any]] = {number: [] for number in range(PARTITIONS)}
    for record in records(broker.bootstrap, names.classified):
        stands[record.partition].append(record)
    found = 0
    for inside in stands.values():
        assert inside[-1].key == TICK_KEY
        assert msgspec.json.decode(inside[-1].value, type=Tick) == TICK
        results = [msgspec.json.decode(record.value, type=Classified) for record in inside[:-1]]
        offsets = [result.origin.offset for result in results]
        assert offsets == sorted(offsets)
        assert [record.key.decode() for record in inside[:-1]] == [result.key for result in results]
        found += len(results)
    assert found == len(messages)
    assert reached(settings, source) == 2000


def test_a_dead_letter_is_the_original_with_its_place(
    broker: LocalKafka, names: TopicNames, settings: WorkerSettings
):
    values = [b"", None, b"\xff" * VALUE_BYTES]
    fill(broker, names, 3)
    letters = [
        DeadLetter(value, Origin("bearwatch.news", 3, offset), BadDocument("why \u2013 so"))
        for offset, value in enumerate(values)
    ]
    send(settings, SendBatch(3, dead_letters=letters))
    found = list(records(broker.bootstrap, names.dead_letters))
    assert [letter.value for letter in found] == values
    assert [letter.key for letter in found] == [b"bearwatch.news/3/%d" % offset for offset in range(3)]
    assert dict(found[2].headers) == {
        "reason": "why \u2013 so".encode(),
        "topic": b"bearwatch.news",
        "partition": b"3",
        "offset": b"2",
    }


def test_a_topic_that_takes_no_dead_letter_is_one_clear_error(names: TopicNames, settings: WorkerSettings):
    with admin_client(settings.connection) as admin:
        limit = ConfigResource(ConfigResourceType.TOPIC, names.dead_letters, {"max.message.bytes": "100000"})
        admin.alter_configs([limit])
    letter = DeadLetter(b"x" * VALUE_BYTES, Origin(names.news, 0, 0), BadDocument("the reason"))
    with pytest.raises(StreamError, match=r"max\.message\.bytes.*`bearwatch topics` lists"):
        send(settings, SendBatch(1, dead_letters=[letter]))


def test_what_was_sent_and_not_committed_is_neither_seen_nor_read_on_from(
    broker: LocalKafka, names: TopicNames, settings: WorkerSettings, monkeypatch: pytest.MonkeyPatch
):
    """The worker is frozen between send and commit; its successor's results are the only ones."""
    fill(broker, names, 10)
    source = TopicPartition(names.news, 0)
    old = [classified(float(number), topic="Old") for number in range(10)]
    new = [classified(float(number), topic="New") for number in range(10)]

    async def run() -> None:
        frozen, successor = (ResultProducer(settings, source, PARTITIONS) for _ in range(2))
        await frozen.start()
        commit, all_sent, goes_on = frozen._producer.commit_transaction, asyncio.Event(), asyncio.Event()

        async def freeze() -> None:
            all_sent.set()
            await goes_on.wait()
            await commit()

        monkeypatch.setattr(frozen._producer, "commit_transaction", freeze)
        zombie = asyncio.create_task(frozen.commit(SendBatch(10, 9.0, old), tick_at(10)))
        await all_sent.wait()
        await successor.start()
        offsets_client = OffsetsClient(settings.connection, settings.group)
        await offsets_client.start()
        assert await offsets_client.reached([source]) == {source: 0}
        await offsets_client.stop()
        await successor.commit(SendBatch(10, 9.0, new), tick_at(10))
        goes_on.set()
        with pytest.raises(StreamError, match=r"another worker took over .*news partition 0"):
            await zombie
        await successor.stop()
        await frozen.stop()

    within_a_minute(run())
    topics = [
        msgspec.json.decode(record.value, type=Classified).topic
        for record in records(broker.bootstrap, names.classified)
        if record.key != TICK_KEY
    ]
    assert topics == ["New"] * 10
    assert reached(settings, source) == 10


def tick_at(offset: int) -> Tick:
    return msgspec.structs.replace(TICK, offset=offset)


def test_records_of_one_partition_keep_their_order_over_batches(broker: LocalKafka, names: TopicNames):
    """More than one batch holds, one record larger than a batch, and one that removes a key."""
    pairs: list[tuple[bytes, bytes | None]] = [(b"%d" % number, b"x" * 1000) for number in range(1200)]
    pairs += [(b"large", b"x" * (BATCH_BYTES + 1)), (b"removed", None), (b"last", b"")]

    async def run() -> None:
        producer = transactional_producer(broker.connection, f"{names.prefix}pairs", 60, 2**22)
        await producer.start()
        async with producer.transaction():
            sends = await send_records(producer, names.state, 1, pairs)
            await asyncio.gather(*sends)
        assert 3 <= len(sends) <= 6
        assert await send_records(producer, names.state, 1, []) == []
        await producer.stop()

    within_a_minute(run())
    found = list(records(broker.bootstrap, names.state))
    assert [(record.key, record.value) for record in found] == pairs
    assert {record.partition for record in found} == {1}


def test_ticks_of_idle_sources_reach_every_partition(
    broker: LocalKafka, names: TopicNames, settings: WorkerSettings
):
    ticks = [Tick(source=f"news-{number}", offset=3, event_time=None, clock=5.0) for number in range(3)]

    async def run() -> None:
        producer = TickProducer(settings, PARTITIONS)
        await producer.start()
        await producer.send(ticks)
        await producer.send([])
        await producer.stop()

    within_a_minute(run())
    found = list(records(broker.bootstrap, names.classified))
    for partition in range(PARTITIONS):
        inside = [each for each in found if each.partition == partition]
        assert [each.key for each in inside] == [TICK_KEY] * 3
        assert [msgspec.json.decode(each.value, type=Tick) for each in inside] == ticks
