"""Counts and alerts stay exact on a real Kafka while workers are killed and frozen and the broker dies.

`tests/chaos.py` does the same for longer and at random; these are its short forms, and each is seeded.
"""

import gc
import json
import math
import random
import time
from collections import Counter
from pathlib import Path

import pytest
from exactness import counted, records, send, write_policy
from fault_injection import FaultInjection, differences
from fleet import Fleet
from kafka import KafkaConsumer, TopicPartition
from keyword_model import WORDS, write_keyword_model
from one_worker import OneWorker

from bearwatch.core.streams import STREAMS
from bearwatch.local.kafka import LocalKafka
from stream.kafka.topics import TopicNames, create_topics
from stream.messages import TICK_KEY

DOCUMENTS, RATE = 20_000, 800
KILLS = 5


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_keyword_model(tmp_path_factory.mktemp("model"))


@pytest.fixture
def policy(tmp_path: Path) -> Path:
    return write_policy(tmp_path / "policy.toml")


@pytest.fixture
def names(broker: LocalKafka, prefix: str) -> TopicNames:
    create_topics(broker.connection, names := TopicNames(prefix))
    return names


def test_killed_workers(broker: LocalKafka, names: TopicNames, model: Path, policy: Path, tmp_path: Path):
    with Fleet(2, broker.bootstrap, names.prefix, model, policy, tmp_path) as fleet:
        faults = FaultInjection(fleet, random.Random(1), every=(2, 4), freeze_ratio=0)
        send(broker.bootstrap, names, DOCUMENTS, 1, RATE, faults)
        assert faults.kills >= 5
        assert differences(broker.bootstrap, names, policy, model) == []


def test_frozen_workers(broker: LocalKafka, names: TopicNames, model: Path, policy: Path, tmp_path: Path):
    """A worker is stopped for longer than its session (6 s), twice, and goes on as if nothing had happened."""
    with Fleet(2, broker.bootstrap, names.prefix, model, policy, tmp_path) as fleet:
        frozen: list[float] = []

        def freeze(share: float) -> None:
            if share > 0.4 * (len(frozen) + 1) and len(frozen) < 2:
                fleet.workers[len(frozen)].freeze(11)
                frozen.append(time.monotonic())

        send(broker.bootstrap, names, DOCUMENTS, 2, RATE, freeze)
        assert len(frozen) == 2
        assert differences(broker.bootstrap, names, policy, model) == []


# kafka-python leaves sockets to the garbage collector whose connection attempts failed.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_killed_broker(prefix: str, model: Path, policy: Path, tmp_path: Path):
    """Down for four seconds in the middle; workers and feed go on by themselves."""
    with LocalKafka(tmp_path / "kafka") as kafka:
        create_topics(kafka.connection, names := TopicNames(prefix))
        with Fleet(2, kafka.bootstrap, names.prefix, model, policy, tmp_path) as fleet:
            killed: list[float] = []

            def kill(share: float) -> None:
                if share > 0.5 and not killed:
                    killed.append(share)
                    kafka.kill()
                    time.sleep(4)
                    kafka.start()

            send(kafka.bootstrap, names, DOCUMENTS, 3, RATE, kill)
            assert killed
            assert differences(kafka.bootstrap, names, policy, model) == []
            assert fleet.workers[0].process is not None
    gc.collect()  # here, where the warning is ignored, and not in the test that follows


def test_every_document_counts_under_one_topic_whatever_models_classified_it(
    broker: LocalKafka, names: TopicNames, model: Path, policy: Path, tmp_path: Path
):
    """A worker is killed whenever it has sent some hundred results more; the next one has another model.

    The other model gives every document another topic: one that was classified twice would count under two.
    """
    words = list(WORDS.values())
    others = dict(zip(words, words[1:] + words[:1], strict=True))
    models = [model, write_keyword_model(tmp_path / "other", others)]
    send(broker.bootstrap, names, DOCUMENTS, 4, math.inf, lambda _: None)
    total = sum(1 for stream in STREAMS for _ in records(broker.bootstrap, names.input(stream)))
    workers = [
        OneWorker(
            tmp_path, broker.bootstrap, names.prefix, models[turn % 2], policy=policy, name=f"worker-{turn}"
        )
        for turn in range(KILLS + 1)
    ]
    for worker in workers[:-1]:
        with worker:
            before = written(broker, names)
            worker.wait_until("it sends", lambda: written(broker, names) > before + 500)  # noqa: B023
            worker.kill()
    with workers[-1] as last:
        last.wait_until("all are counted", lambda: counted(broker.bootstrap, names)[1] >= total)
    results = [
        json.loads(record.value)
        for record in records(broker.bootstrap, names.classified)
        if record.key != TICK_KEY
    ]
    origins = Counter(tuple(each["origin"].values()) for each in results)
    assert [origin for origin, count in origins.items() if count > 1] == []
    assert len({each["model"] for each in results}) == 2, "both were at work"
    assert counted(broker.bootstrap, names)[1] == len(results) == total


def written(broker: LocalKafka, names: TopicNames) -> int:
    """How many records `classified` holds, committed or not."""
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap)
    try:
        numbers = consumer.partitions_for_topic(names.classified) or ()
        return sum(
            consumer.end_offsets([TopicPartition(names.classified, number) for number in numbers]).values()
        )
    finally:
        consumer.close()
