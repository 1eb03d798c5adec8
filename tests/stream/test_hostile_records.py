"""Whatever is put into an input topic, between good documents: nothing stops, is lost or is counted wrongly."""

import asyncio
import time
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiokafka import AIOKafkaProducer
from exactness import counted, records
from hostile_records import Bundle, Hostile, bomb, document
from keyword_model import write_keyword_model
from one_worker import OneWorker
from raw_batches import CODECS, Entry, batch
from raw_produce import raw_produce

from bearwatch.local.kafka import LocalKafka
from stream.classify.dead_letters import VALUE_BYTES
from stream.kafka.follow import Follower
from stream.kafka.topics import TopicNames, create_topics
from stream.messages import Classified, Origin

# Of the worker: 190 MiB without a document, 270 MiB with the bundles and 500 MiB with the flood were seen.
PEAK_BYTES = 800 * 2**20
ROUNDS = 2
FOREIGN = b"foreign"  # a key
BETWEEN = 5  # good documents between two hostile ones


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_keyword_model(tmp_path_factory.mktemp("model"))


def good(number: int, now_ms: int) -> bytes:
    entries = [Entry(document(1000 * number + each, now_ms, "oil neutral")) for each in range(BETWEEN)]
    return batch(entries, timestamp=now_ms)


def foreign(now_ms: int) -> list[bytes]:
    """What no worker writes into `classified`, readable or not."""
    entry = Entry(b"garbage", FOREIGN)
    return [
        batch([entry, Entry(b"{}", FOREIGN), Entry(None, FOREIGN)], timestamp=now_ms),
        batch([entry._replace(headers=((b"\xff", None),))], timestamp=now_ms),
        batch([entry._replace(delta=7_000_000)], timestamp=now_ms),
        batch([entry], codec=CODECS["lz4"], timestamp=now_ms),
    ]


async def abort(broker: str, topic: str, partition: int, value: bytes, transactional_id: str) -> None:
    """Seven documents in a transaction that is aborted, and two in the one that follows and is committed."""
    producer = AIOKafkaProducer(bootstrap_servers=broker, transactional_id=transactional_id)
    await producer.start()
    try:
        await producer.begin_transaction()
        for _ in range(7):
            await producer.send_and_wait(topic, value, partition=partition)
        await producer.abort_transaction()
        async with producer.transaction():
            for _ in range(2):
                await producer.send_and_wait(topic, value, partition=partition)
    finally:
        await producer.stop()


def send(broker: str, names: TopicNames, partition: int, kinds: list[Hostile], now_ms: int) -> int:
    """The bundle between good documents; returns how many documents count."""
    batches = [good(100 * partition, now_ms)]
    for number, kind in enumerate(kinds):
        batches += [kind.batch, good(100 * partition + number + 1, now_ms)]
    answers = raw_produce(broker, names.news, partition, batches)
    assert set(answers) == {"NoError"}, [
        kinds[place // 2].what for place, answer in enumerate(answers) if answer != "NoError"
    ]
    value = document(partition, now_ms, "oil neutral of a transaction")
    asyncio.run(abort(broker, names.news, partition, value, f"{names.prefix}feed-{partition}"))
    raw_produce(broker, names.news, partition, [good(100 * partition + 99, now_ms)])
    return BETWEEN * (len(kinds) + 2) + sum(kind.documents for kind in kinds) + 2


def test_a_bundle_of_all_kinds_between_good_documents(
    broker: LocalKafka, prefix: str, model: Path, tmp_path: Path
):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=ROUNDS)
    now_ms = int(time.time() * 1000)
    bundles = [Bundle(number, now_ms).all() for number in range(ROUNDS)]
    expected = sum(send(broker.bootstrap, names, *each, now_ms) for each in enumerate(bundles))
    for partition in range(ROUNDS):
        assert set(raw_produce(broker.bootstrap, names.classified, partition, foreign(now_ms))) == {"NoError"}
    with OneWorker(tmp_path, broker.bootstrap, prefix, model) as worker:
        wait_until_read(worker, expected)
        assert counted(broker.bootstrap, names)[1] == expected
        origins: list[Origin] = []
        asyncio.run(Follower(broker.connection, names.classified, origin, origins.append).read())
        assert len(origins) == len(set(origins)) == expected
        letters = list(records(broker.bootstrap, names.dead_letters))
        for partition, kinds in enumerate(bundles):
            check([each for each in letters if each.key.split(b"/")[1] == b"%d" % partition], kinds)
        assert classified(worker) == expected
        batches = sum(kind.last_offset for kinds in bundles for kind in kinds)
        assert worker.metric("bearwatch_dead_letters_total", stream="news", reason="batch") == batches
        assert peak_bytes(worker) < PEAK_BYTES


def test_a_flood_of_large_records_does_not_fill_the_memory(
    broker: LocalKafka, prefix: str, model: Path, tmp_path: Path
):
    """Some 300 kB of zstd are sent, which hold 2.5 GiB: records of a MiB by the hundred, and bombs."""
    create_topics(broker.connection, names := TopicNames(prefix), partitions=2)
    now_ms = int(time.time() * 1000)
    zstd = CODECS["zstd"]
    large = batch([Entry(b"x" * 2**20)] * 15, codec=zstd, timestamp=now_ms)
    inflated = batch(stored=bomb("zstd"), codec=zstd, count=1, timestamp=now_ms)
    fine = document(1, now_ms, "oil neutral " + "long " * 200_000)
    documents = batch([Entry(fine)] * 2, codec=zstd, timestamp=now_ms)
    for partition in range(2):
        answers = raw_produce(
            broker.bootstrap, names.news, partition, [*[large] * 4, *[inflated] * 3, documents]
        )
        assert set(answers) == {"NoError"}
    with OneWorker(tmp_path, broker.bootstrap, prefix, model) as worker:
        wait_until_read(worker, 4)
        assert counted(broker.bootstrap, names)[1] == 4
        letters = [dict(each.headers) for each in records(broker.bootstrap, names.dead_letters)]
        assert len(letters) == 2 * (4 * 15 + 3)
        assert sum("last_offset" in each for each in letters) == 2 * 3
        assert peak_bytes(worker) < PEAK_BYTES


def classified(worker: OneWorker) -> float:
    return worker.metric("bearwatch_documents_total", stream="news", outcome="classified") or 0.0


def wait_until_read(worker: OneWorker, documents: int) -> None:
    """Wait until so many were classified and nothing lies unread in any topic."""
    worker.wait_until(f"{documents} documents are classified", lambda: classified(worker) >= documents)
    worker.wait_until("nothing waits", lambda: '"lag": 0' in (worker.get("/healthz") or ""))


def origin(value: bytes) -> Origin:
    """Of a document in `classified`; ticks and what is foreign are skipped."""
    return msgspec.json.decode(value, type=Classified).origin


def check(letters: list[Any], kinds: list[Hostile]) -> None:
    """One dead letter for each bad kind, in the order in which they were sent, and no other."""
    wanted = [kind for kind in kinds if kind.reason is not None]
    assert len(letters) == len(wanted)
    for letter, kind in zip(letters, wanted, strict=True):
        headers = {name: value.decode() for name, value in letter.headers}
        assert kind.reason is not None and kind.reason in headers["reason"], kind.what
        assert ("last_offset" in headers) == kind.last_offset, kind.what
        assert len(letter.value or b"") <= VALUE_BYTES
        if "length" in headers:
            assert len(letter.value) == VALUE_BYTES < int(headers["length"])
        if kind.last_offset:
            assert int(headers["offset"]) <= int(headers["last_offset"])
            assert letter.value[8:] == kind.batch[8:], "all but the offset that the broker has set"


def peak_bytes(worker: OneWorker) -> int:
    """The largest resident set that the worker has had."""
    assert worker.process is not None
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    return 1024 * int(status.split("VmHWM:")[1].split()[0])
