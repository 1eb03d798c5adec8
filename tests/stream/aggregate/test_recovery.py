"""State is read back as it was committed, and what cannot be read is refused with a message."""

import asyncio
import json
import signal
import threading
import time
from itertools import islice
from pathlib import Path

import msgspec
import pytest
from exactness import counted, documents, records, write_policy
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata
from keyword_model import write_keyword_model
from one_worker import OneWorker
from raw_batches import Entry, batch
from raw_produce import raw_produce
from state_contents import contents as state_contents

from alerting.alerts import Alert
from alerting.detection.policy import Policy, load_policy
from alerting.kinds import SURGE
from bearwatch.core.streams import STREAMS
from bearwatch.local.kafka import LocalKafka
from models.manifest import load_manifest, model_hash
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.partition import PartitionTask
from stream.aggregate.recovery import recover
from stream.aggregate.state import (
    POSITION_KEY,
    VERSION,
    PartitionState,
    PositionRecord,
    encode_record,
    key_record_key,
    load,
)
from stream.errors import StreamError
from stream.ingest.producer import DocumentProducer
from stream.kafka.offsets import OffsetsClient
from stream.kafka.topics import TopicNames, create_topics
from stream.messages import TICK_KEY, Classified, Rate, Tick
from stream.settings import WorkerSettings

PARTITIONS = 2
DOCUMENTS = 6000  # in 90 minutes of event time
UNTIL_A_SURGE = 2900  # of them come; Earnings surge in the minutes 40 to 44
NOW = time.time()


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_keyword_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def names(broker: LocalKafka, prefix: str) -> TopicNames:
    create_topics(broker.connection, names := TopicNames(prefix), partitions=PARTITIONS)
    return names


@pytest.fixture
def policy_file(tmp_path: Path) -> Path:
    return write_policy(tmp_path / "policy.toml")


def sources(names: TopicNames) -> list[str]:
    return [f"{names.input(stream)}-{number}" for stream in STREAMS for number in range(PARTITIONS)]


def recovered(broker: LocalKafka, names: TopicNames, policy: Policy, model: str) -> list[Aggregator]:
    """What a fresh worker holds after it has read the state of each partition."""

    async def explain(alerts: object) -> object:
        raise AssertionError("nothing is applied here")

    async def start(partition: int, offsets_client: OffsetsClient) -> Aggregator:
        task = PartitionTask(partition, PARTITIONS, WorkerSettings(broker.connection, names.prefix), explain)
        try:
            await task.start(policy, model, sources(names), offsets_client)
        finally:
            await task.stop()
        assert task.aggregator is not None
        return task.aggregator

    async def run() -> list[Aggregator]:
        offsets_client = OffsetsClient(broker.connection, f"{names.prefix}group")
        await offsets_client.start()
        try:
            return [await start(partition, offsets_client) for partition in range(PARTITIONS)]
        finally:
            await offsets_client.stop()

    return asyncio.run(run())


def undisturbed(
    broker: LocalKafka, names: TopicNames, policy: Policy, model: str, ends: list[int]
) -> list[Aggregator]:
    """The messages of `classified` up to `ends`, applied in one go."""
    aggregators = [Aggregator(policy, model, sources(names), partitions=PARTITIONS) for _ in ends]
    for record in records(broker.bootstrap, names.classified):
        if record.offset < ends[record.partition]:
            kind: type[Tick | Classified] = Tick if record.key == TICK_KEY else Classified
            aggregators[record.partition].offset = record.offset  # those between are control records
            aggregators[record.partition].apply(msgspec.json.decode(record.value, type=kind), NOW)
    for aggregator in aggregators:
        aggregator.take_changes()
    return aggregators


def contents(aggregator: Aggregator) -> dict[str, object]:
    """What was counted, what the detector remembers, and the alert that may be open."""
    return {
        "position": (aggregator.offset, aggregator.evaluated, aggregator.watermark.source_watermarks),
        "keys": {
            # An empty window may stand anywhere: it is moved when there is something to count.
            name: (
                key.record,
                key.panes.counts,
                key.panes.minutes,
                key.panes.stories.first,
            )
            for name, key in aggregator.keys.items()
        },
    }


def what_follows(aggregator: Aggregator) -> tuple[list[Rate], list[Alert], PartitionState]:
    """Two hours more in which nothing comes: windows run empty, alerts resolve, minutes are forgotten."""
    assert aggregator.evaluated is not None
    for end in range(aggregator.evaluated, aggregator.evaluated + 7200, 15):
        for source in aggregator.watermark.source_watermarks:
            aggregator.apply(Tick(source=source, offset=0, event_time=float(end)), NOW)
    changes = aggregator.take_changes()
    written = PartitionState()
    for key, value in changes.records.items():
        load(written, key, value)
    return changes.rates, changes.alerts, written


def test_a_killed_worker_is_followed_by_one_that_knows_the_same(
    broker: LocalKafka, names: TopicNames, model: Path, policy_file: Path, tmp_path: Path
):
    with OneWorker(tmp_path, broker.bootstrap, names.prefix, model, policy=policy_file) as worker:
        with DocumentProducer(broker.connection, names) as producer:
            for stream, key, document, milliseconds in islice(documents(DOCUMENTS, seed=5), UNTIL_A_SURGE):
                producer.send(stream, document, key, milliseconds)
        worker.wait_until("all are counted", lambda: counted(broker.bootstrap, names)[1] == UNTIL_A_SURGE)
        worker.kill()
    policy, hash_ = load_policy(policy_file), model_hash(load_manifest(model))
    found = recovered(broker, names, policy, hash_)
    expected = undisturbed(broker, names, policy, hash_, [aggregator.offset for aggregator in found])
    states = [one_key.detector_states[SURGE] for one in found for one_key in one.keys.values()]
    assert any(state.alert.open for state in states), "no alert was open"
    for one, other in zip(found, expected, strict=True):
        assert len(one.keys) > 0
        assert contents(one) == contents(other)
        (rates, alerts, written), expected_after = what_follows(one), what_follows(other)
        assert (rates, alerts) == expected_after[:2]
        assert state_contents(written) == state_contents(expected_after[2])
        assert rates and written.keys


def put(broker: LocalKafka, topic: str, key: bytes, value: bytes | None, partition: int = 0) -> None:
    with KafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        producer.send(topic, value, key=key, partition=partition).get(30)


def refused(broker: LocalKafka, names: TopicNames) -> str:
    with pytest.raises(StreamError) as refusal:
        recovered(broker, names, load_policy(), "model")
    return str(refusal.value)


def test_state_of_another_version_is_refused(broker: LocalKafka, names: TopicNames):
    position = PositionRecord(offset=0, version=VERSION + 1)
    put(broker, names.state, POSITION_KEY, encode_record(position), partition=1)
    message = refused(broker, names)
    assert f"{names.state} partition 1 holds state of version {VERSION + 1}" in message
    put(broker, names.state, POSITION_KEY, encode_record(PositionRecord(offset=0, version=1)), partition=1)
    assert "run release 0.1, or start again under another --prefix" in refused(broker, names)
    assert f"this worker reads version {VERSION}" in message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (key_record_key("news/topic:Macro"), b"\x81\xa1x\x01"),
        (POSITION_KEY, b"no msgpack"),
        (b"no json", b""),
        (b"7", b""),
    ],
)
def test_a_record_that_cannot_be_read_is_named(
    broker: LocalKafka, names: TopicNames, key: bytes, value: bytes
):
    put(broker, names.state, key, value)
    assert f"{names.state} partition 0, offset 0: this is not a record of version {VERSION}" in refused(
        broker, names
    )


def test_batches_that_no_worker_wrote_are_one_clear_error(broker: LocalKafka, names: TopicNames):
    """aiokafka would stop at the name of a header, and read nothing of the other one for ever."""
    key = key_record_key("news/topic:Macro")
    header = batch([Entry(b"\xc1", key, ((b"\xff\xfe", b"x"),))])
    far = batch([Entry(b"\xc1", key, delta=5_000_000)])
    assert raw_produce(broker.bootstrap, names.state, 1, [header]) == ["NoError"]
    assert f"{names.state} partition 1, offset 0: this is not a record of version {VERSION}" in refused(
        broker, names
    )
    assert raw_produce(broker.bootstrap, names.state, 0, [far]) == ["NoError"]
    assert (
        f"{names.state} partition 0, offset 0: a batch that cannot be read (a record's offset is"
        in refused(broker, names)
    )


def test_state_that_is_ahead_of_classified_is_refused(broker: LocalKafka, names: TopicNames):
    """`classified` was deleted and made again: the position would pass over whatever comes."""
    put(broker, names.state, POSITION_KEY, encode_record(PositionRecord(offset=7)))
    message = refused(broker, names)
    assert f"the next message of {names.classified} partition 0 is 7" in message
    assert "ends at 0" in message


def test_state_that_the_group_is_ahead_of_is_refused(broker: LocalKafka, names: TopicNames):
    """`state` was deleted and made again: what the group has behind it would not be fetched, and never be counted."""
    for number in range(5):
        put(broker, names.classified, TICK_KEY, b"%d" % number)
    place = TopicPartition(names.classified, 0)
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=f"{names.prefix}group")
    try:
        consumer.assign([place])
        consumer.commit({place: OffsetAndMetadata(5, "", -1)})
    finally:
        consumer.close()
    message = refused(broker, names)
    assert f"the next message of {names.classified} partition 0 is 0, but by the consumer group 5" in message
    put(broker, names.state, POSITION_KEY, encode_record(PositionRecord(offset=5)))
    first, _ = recovered(broker, names, load_policy(), "model")
    assert first.offset == 5


def test_what_retention_took_is_not_waited_for(broker: LocalKafka, names: TopicNames):
    for number in range(5):
        put(broker, names.classified, TICK_KEY, b"%d" % number)
    put(broker, names.state, POSITION_KEY, encode_record(PositionRecord(offset=2)))
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.delete_records({TopicPartition(names.classified, 0): 4})
    first, second = recovered(broker, names, load_policy(), "model")
    assert (first.offset, second.offset) == (4, 0)


def test_a_worker_comes_back_to_topics_that_have_changed(
    broker: LocalKafka, names: TopicNames, model: Path, tmp_path: Path
):
    """While it was away the group's offsets expired, and retention took documents and results."""

    def send(first: int, count: int) -> None:
        with KafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
            for number in range(first, first + count):
                text = f"oil neutral n{number}"
                fields = {"id": "d", "text": text, "published_at": "2026-01-02T03:04:05Z", "source": "wire"}
                producer.send(names.news, json.dumps(fields).encode(), partition=number % PARTITIONS)

    def counts() -> int:
        return counted(broker.bootstrap, names)[1]

    with OneWorker(tmp_path, broker.bootstrap, names.prefix, model) as worker:
        send(0, 100)
        worker.wait_until("all are counted", lambda: counts() == 100)
        worker.signal(signal.SIGTERM)
        assert worker.exit_code() == 0
    send(100, 40)  # 20 a partition, of which retention takes 10, after 50 that were counted
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.delete_groups([f"{names.prefix}group"])
        ends = {TopicPartition(names.news, number): 60 for number in range(PARTITIONS)}
        admin.delete_records(
            ends | {TopicPartition(names.classified, number): 1 for number in range(PARTITIONS)}
        )
    with OneWorker(tmp_path, broker.bootstrap, names.prefix, model) as worker:
        worker.wait_until("the rest is counted", lambda: counts() == 120)
        send(140, 40)
        worker.wait_until("new ones are counted", lambda: counts() == 160)
        worker.wait_until_serving()
    stored = [each for (key, _), each in counted(broker.bootstrap, names)[0].items()]
    assert sum(each.stories for each in stored) == 160


def test_another_number_of_partitions_is_refused(broker: LocalKafka, names: TopicNames):
    """With another number a key would be counted in two partitions, and shown twice."""
    put(broker, names.state, POSITION_KEY, encode_record(PositionRecord(partitions=PARTITIONS + 2)))
    message = refused(broker, names)
    assert f"`classified` has {PARTITIONS} partitions now" in message
    assert f"{names.state} was kept for {PARTITIONS + 2}" in message


def test_a_new_partition_asks_the_first_one(broker: LocalKafka, names: TopicNames):
    """Partitions were added to both topics: the state of the new ones is empty and says nothing."""
    put(broker, names.state, POSITION_KEY, encode_record(PositionRecord(partitions=1)))

    async def run() -> None:
        settings = WorkerSettings(broker.connection, names.prefix)
        await recover(settings, 1, PARTITIONS, lambda state: state)

    with pytest.raises(StreamError, match="was kept for 1: keys would be split"):
        asyncio.run(run())


def test_the_event_loop_continues_while_state_is_read_and_built(broker: LocalKafka, names: TopicNames):
    """Building waits for something that only the loop can do."""
    put(broker, names.state, POSITION_KEY, encode_record(PositionRecord(offset=3, partitions=PARTITIONS)))
    asked, answered = threading.Event(), threading.Event()

    def build(state: PartitionState) -> int:
        asked.set()
        assert answered.wait(60), "the event loop stood still"
        return state.position.offset

    async def run() -> int:
        settings = WorkerSettings(broker.connection, names.prefix)
        recovering = asyncio.create_task(recover(settings, 0, PARTITIONS, build))
        while not asked.is_set():
            await asyncio.sleep(0.01)
        answered.set()
        return await recovering

    assert asyncio.run(run()) == 3
