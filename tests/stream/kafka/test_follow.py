"""Following a topic: all partitions, from any offset, through a restart of the broker, past what cannot be read."""

import asyncio
import logging
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import msgspec
import pytest
from alert_messages import alert, write
from hostile_records import bomb
from kafka import KafkaAdminClient, KafkaProducer
from kafka import TopicPartition as KafkaPartition
from kafka.admin import NewPartitions
from raw_batches import CODECS, Entry, batch
from raw_produce import raw_produce
from waiting import PATIENCE_SECONDS

from alerting.evidence.acknowledgements import decode
from bearwatch.local.kafka import LocalKafka
from stream.errors import StreamError
from stream.kafka import follow
from stream.kafka.follow import Follower
from stream.kafka.topics import TopicNames, create_topics


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.1)


@asynccontextmanager
async def following(follower: Follower[int], caught_up: Callable[[], None]) -> AsyncIterator[None]:
    task = asyncio.create_task(follower.follow(caught_up))
    try:
        yield
        assert not task.done()
    finally:
        task.cancel()
        await asyncio.wait({task})
    assert task.cancelled()


class Numbered(msgspec.Struct):
    n: int


def number(value: bytes) -> int:
    return msgspec.json.decode(value, type=Numbered).n


def numbered(*numbers: int) -> list[bytes]:
    return [msgspec.json.encode(Numbered(each)) for each in numbers]


def send(broker: LocalKafka, topic: str, *values: bytes | None, partition: int = 0) -> None:
    with KafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for value in values:
            producer.send(topic, value, key=b"key", partition=partition)


@pytest.fixture
def topic(broker: LocalKafka, prefix: str) -> str:
    """A topic of three partitions."""
    create_topics(broker.connection, names := TopicNames(prefix), partitions=3)
    return names.classified


@pytest.mark.parametrize("kept", [0, 1, 2])
def test_reading_begins_behind_what_was_deleted_before(
    broker: LocalKafka, topic: str, kept: int, caplog: pytest.LogCaptureFixture
):
    """Old alerts may be erased (docs/SECURITY.md): who reads them later misses nothing."""
    send(broker, topic, *numbered(0, 1, 2))
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.delete_records({KafkaPartition(topic, 0): 3 - kept})
    found: list[int] = []
    asyncio.run(Follower(broker.connection, topic, number, found.append).read())
    assert found == list(range(3 - kept, 3))
    assert [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING] == []


def test_all_partitions_are_read_to_their_ends(broker: LocalKafka, topic: str):
    for partition in range(3):
        send(broker, topic, *numbered(partition, partition + 10), partition=partition)
    found: list[int] = []
    follower = Follower(broker.connection, topic, number, found.append)
    asyncio.run(follower.read())
    assert sorted(found) == [0, 1, 2, 10, 11, 12]
    assert follower.positions == {0: 2, 1: 2, 2: 2}


def test_it_begins_at_the_offsets_given(broker: LocalKafka, topic: str):
    for partition in range(2):
        send(broker, topic, *numbered(1, 2, 3), partition=partition)
    found: list[int] = []
    follower = Follower(broker.connection, topic, number, found.append, start={0: 2})
    asyncio.run(follower.read())
    assert Counter(found) == {1: 1, 2: 1, 3: 2}


def test_what_was_not_committed_is_not_read(broker: LocalKafka, prefix: str):
    create_topics(broker.connection, names := TopicNames(prefix))
    write(broker.bootstrap, names.alerts, [alert(id="a")])
    write(broker.bootstrap, names.alerts, [alert(id="b")], commit=False)
    found: list[str] = []
    follower = Follower(broker.connection, names.alerts, decode, lambda message: found.append(message.id))
    asyncio.run(follower.read())
    assert found == ["a"]


def test_batches_that_cannot_be_read_are_skipped_too_and_any_codec_or_header_is_read(
    broker: LocalKafka, topic: str
):
    values = numbered(1, 2, 3, 4, 5, 6, 7)
    batches = [
        *(batch([Entry(value)], codec=codec) for value, codec in zip(values, CODECS.values(), strict=False)),
        batch([Entry(values[5], None, ((b"\xff", None), (b"unreadable", b"x")))]),
        batch([Entry(values[0], delta=10**6)] * 2),
        batch(stored=bomb("zstd"), codec=CODECS["zstd"], count=1),
        batch([Entry(values[6])]),
    ]
    assert set(raw_produce(broker.bootstrap, topic, 0, batches)) == {"NoError"}
    found: list[int] = []
    follower = Follower(broker.connection, topic, number, found.append)
    asyncio.run(follower.read())
    assert found == [1, 2, 3, 4, 5, 6, 7]
    assert follower.skipped == {"in a batch that cannot be read": 2}


def test_bad_records_are_skipped_counted_and_said_once_for_each_reason(
    broker: LocalKafka, topic: str, caplog: pytest.LogCaptureFixture
):
    first, last = numbered(1, 2)
    endless = b'{"x":' + b"[" * 100_000
    send(broker, topic, first, b"{", b"\xff", b'"text"', b"[]", None, b"{}", endless, last)
    found: list[int] = []
    skipped: Counter[str] = Counter()
    follower = Follower(broker.connection, topic, number, found.append, skipped=skipped)
    with caplog.at_level(logging.WARNING, "bearwatch.follow"):
        asyncio.run(follower.read())
    assert found == [1, 2]
    assert skipped == {"not JSON": 3, "not of the topic's schema": 3, "empty": 1}
    said = f"{topic}, partition 0, offset 1: skipped, as every record that is not JSON: "
    assert len(caplog.messages) == 3 and caplog.messages[0].startswith(said)


def test_an_error_of_the_caller_is_not_taken_for_a_bad_record(broker: LocalKafka, topic: str):
    send(broker, topic, *numbered(1))

    def take(_: int) -> None:
        raise ValueError("full")

    with pytest.raises(ValueError, match="full"):
        asyncio.run(Follower(broker.connection, topic, number, take).read())


def test_a_topic_that_does_not_exist_is_an_error(broker: LocalKafka, prefix: str):
    with pytest.raises(StreamError, match=f"{prefix}none does not exist"):
        asyncio.run(Follower(broker.connection, f"{prefix}none", number, print).read())


def test_a_partition_that_is_added_is_followed(
    broker: LocalKafka, topic: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(follow, "METADATA_MS", 500)
    found: list[int] = []
    ends: list[int] = []

    async def run() -> None:
        async with following(
            Follower(broker.connection, topic, number, found.append), lambda: ends.append(len(found))
        ):
            await until(lambda: bool(ends))
            await asyncio.to_thread(add_partition)
            await asyncio.to_thread(send, broker, topic, *numbered(7), partition=3)
            await until(lambda: found == [7])

    def add_partition() -> None:
        with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
            admin.create_partitions({topic: NewPartitions(4)})
            admin.wait_for_topics([topic])

    asyncio.run(run())


def test_it_continues_when_the_broker_is_back(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    def said() -> list[str]:
        return [each for each in caplog.messages if "cannot be read" in each]

    asyncio.run(go_on(tmp_path, said))
    assert len(said()) == len(set(said())), "an outage is said once, not at each attempt"


async def go_on(folder: Path, said: Callable[[], list[str]]) -> None:
    names = TopicNames("t.")
    found: list[int] = []
    seen: list[int] = []  # how many messages there were each time everything was read
    with LocalKafka(folder) as kafka:
        connection = kafka.connection
        await asyncio.to_thread(create_topics, connection, names)
        await asyncio.to_thread(send, kafka, names.classified, *numbered(1))
        follower = Follower(connection, names.classified, number, found.append)
        task = asyncio.create_task(follower.follow(lambda: seen.append(len(found))))
        await until(lambda: 1 in seen)
    await until(lambda: bool(said()))
    await asyncio.sleep(6)  # some attempts more
    assert not task.done()
    with LocalKafka(folder) as kafka:
        assert kafka.connection == connection
        await asyncio.to_thread(send, kafka, names.classified, *numbered(2), partition=1)
        await until(lambda: 2 in seen)
        assert found == [1, 2]
        task.cancel()
        await asyncio.wait({task})
        assert task.cancelled()
