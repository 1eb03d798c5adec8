"""Partitions are added to an input topic while workers run: they take them up by themselves, and say so until then."""

import asyncio
import json
import os
import time
from collections.abc import Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from aiokafka import TopicPartition
from exactness import counted
from kafka import KafkaAdminClient, KafkaProducer
from keyword_model import write_keyword_model
from one_worker import OneWorker
from policies import MINUTE_POLICY

from bearwatch.local.kafka import LocalKafka
from stream.aggregate.watermark import Watermark
from stream.kafka.offsets import OffsetsClient
from stream.kafka.topics import TopicNames, create_topics
from stream.worker.inputs import InputPartitions

DOCUMENTS = 60
NEWS = [TopicPartition("news", number) for number in range(3)]


def document(number: int) -> bytes:
    fields = {
        "id": f"d{number}",
        "text": f"oil neutral n{number}",
        "published_at": "2026-01-02T03:04:05Z",
        "source": "wire",
    }
    return json.dumps(fields).encode()


def send(broker: LocalKafka, names: TopicNames, partitions: Iterable[int]) -> None:
    """As many documents to each partition of news, a minute old."""
    with KafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for partition in partitions:
            for number in range(DOCUMENTS):
                producer.send(
                    names.news,
                    document(number),
                    partition=partition,
                    timestamp_ms=int(1000 * (time.time() - 60)),
                )


def add_partitions(broker: LocalKafka, names: TopicNames, count: int) -> None:
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.create_partitions({names.news: count})


def test_workers_take_them_up_without_a_restart(broker: LocalKafka, prefix: str, tmp_path: Path):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=2)
    model = write_keyword_model(tmp_path / "model")
    policy = tmp_path / "policy.toml"
    policy.write_text(MINUTE_POLICY.read_text().replace("[time]", "[time]\nidle_after_seconds = 1"))

    def lags(workers: Iterable[OneWorker]) -> dict[str, float]:
        return {
            dict(labels)["partition"]: value
            for worker in workers
            for (name, labels), value in worker.samples().items()
            if name == "bearwatch_lag_records" and dict(labels)["kafka_topic"] == names.news
        }

    with ExitStack() as stack:
        workers = [
            stack.enter_context(
                OneWorker(tmp_path, broker.bootstrap, prefix, model, policy=policy, name=f"worker-{number}")
            )
            for number in range(2)
        ]
        send(broker, names, range(2))
        first, second = workers
        first.wait_until("all are counted", lambda: counted(broker.bootstrap, names)[1] == 2 * DOCUMENTS)
        second.wait_until_serving()
        add_partitions(broker, names, 5)
        send(broker, names, range(2, 5))
        first.wait_until("they are counted too", lambda: counted(broker.bootstrap, names)[1] == 5 * DOCUMENTS)
        first.wait_until("all partitions are shown", lambda: lags(workers).keys() == set("01234"))
        first.wait_until("nothing waits", lambda: not any(lags(workers).values()))
        for worker in workers:
            worker.wait_until_serving()

        def carried_on() -> bool:
            """By the clock: the ticks of all five are heard."""
            reached = first.metric("bearwatch_watermark_timestamp_seconds", partition="0")
            reached = reached or second.metric("bearwatch_watermark_timestamp_seconds", partition="0")
            return reached is not None and reached > started

        started = time.time()
        first.wait_until("time goes on", carried_on)
        assert all(worker.process is not None and worker.process.poll() is None for worker in workers)


def test_records_that_no_worker_has_taken_are_lag_and_not_serving(
    broker: LocalKafka, prefix: str, tmp_path: Path
):
    """A worker that hears of new partitions only after an hour: it says that they wait."""
    create_topics(broker.connection, names := TopicNames(prefix), partitions=1)
    model = write_keyword_model(tmp_path / "model")
    (tmp_path / "sitecustomize.py").write_text(
        "import stream.worker.faust_app as app\napp.METADATA_SECONDS = 3600\n"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    with OneWorker(tmp_path, broker.bootstrap, prefix, model, environment=environment) as worker:
        worker.wait_until_serving()
        add_partitions(broker, names, 2)
        send(broker, names, [1])
        labels = {"kafka_topic": names.news, "partition": "1"}
        worker.wait_until(
            "its records are lag", lambda: worker.metric("bearwatch_lag_records", **labels) == DOCUMENTS
        )
        answer = json.loads(worker.get("/healthz") or "")
        assert answer == {
            "state": "starting",
            "reason": "1 partitions of the input topics are held by no worker yet",
            "lag": DOCUMENTS,
        }


def test_an_added_partition_holds_the_watermark_until_somebody_reports_on_it():
    watermark = Watermark(["news-0"])
    watermark.observe("news-0", 100.0, None)
    watermark.expect("news-0")
    assert watermark.time == 100.0
    watermark.expect("news-1")
    assert watermark.time is None
    watermark.observe("news-1", None, 90.0)
    assert watermark.time == 90.0


@dataclass
class FakeOffsetsClient:
    counts: dict[str, int]
    members_hold: Collection[TopicPartition] | None  # None: the group rebalances
    asked: list[str] = field(default_factory=list)

    async def partition_counts(self, topics: Collection[str]) -> dict[str, int]:
        return self.counts

    async def held(self) -> frozenset[TopicPartition] | None:
        self.asked.append("group")
        return None if self.members_hold is None else frozenset(self.members_hold)


def test_the_group_is_asked_only_while_a_partition_may_be_missing():
    offsets_client = FakeOffsetsClient({"news": 2}, NEWS[:2])
    inputs = InputPartitions(offsets_client, ["news"])  # type: ignore[arg-type]

    def unheld() -> set[TopicPartition]:
        return asyncio.run(inputs.unheld())

    assert unheld() == set()
    assert unheld() == set() and len(offsets_client.asked) == 1
    offsets_client.counts = {"news": 3}
    assert unheld() == {NEWS[2]}
    offsets_client.members_hold = None
    assert unheld() == {NEWS[2]}, "what was held is given to somebody again"
    offsets_client.members_hold = NEWS
    assert unheld() == set()
    assert inputs.known == set(NEWS)


def test_what_a_group_holds(broker: LocalKafka, prefix: str):
    create_topics(broker.connection, TopicNames(prefix), partitions=1)

    async def run() -> None:
        offsets_client = OffsetsClient(broker.connection, f"{prefix}group")
        await offsets_client.start()
        assert not await offsets_client.held(), "it has no members"
        await offsets_client.stop()

    asyncio.run(run())
