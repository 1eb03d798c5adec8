"""Counts and alerts stay exact on a real Kafka while workers are killed and frozen and the broker dies.

`tests/chaos.py` does the same for longer and at random; these are its short forms, and each is seeded.
"""

import random
import time
from pathlib import Path

import pytest
from exactness import send, write_policy
from fault_injection import FaultInjection, differences
from fleet import Fleet
from keyword_model import write_keyword_model

from bearwatch.local.kafka import LocalKafka
from stream.kafka.topics import TopicNames, create_topics

DOCUMENTS, RATE = 20_000, 800


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
