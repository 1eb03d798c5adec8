"""The topics: created as they must be, compared, and never changed."""

import subprocess
import sys

import pytest
from kafka.admin import ConfigResource, ConfigResourceType
from waiting import PATIENCE_SECONDS

from bearwatch.local.kafka import LocalKafka
from bearwatch.local.ports import free_port
from stream.classify.result_producer import REQUEST_BYTES
from stream.errors import StreamError
from stream.kafka.admin import admin_client, require_topics
from stream.kafka.topics import TopicNames, create_topics, plans


def bearwatch(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-c", "from bearwatch.cli import main; main()", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_SECONDS)


def test_all_topics_are_created_once(broker: LocalKafka, prefix: str) -> None:
    names = TopicNames(prefix)
    first = create_topics(broker.connection, names, partitions=3)
    assert first.created == [plan.name for plan in plans(names, 3)]
    again = create_topics(broker.connection, names, partitions=3)
    assert (again.created, again.wrong, again.tuned) == ([], [], [])


def test_history_is_kept_and_state_is_compacted(broker: LocalKafka, prefix: str) -> None:
    names = TopicNames(prefix)
    create_topics(broker.connection, names)
    with admin_client(broker.connection) as admin:
        resources = [ConfigResource(ConfigResourceType.TOPIC, plan.name) for plan in plans(names, 4)]
        configs = admin.describe_configs(resources, config_filter="all")["topic"]
    value = {
        (name, key): entry["value"] for name, entries in configs.items() for key, entry in entries.items()
    }
    for topic in (names.news, names.comments, names.alerts):
        assert value[topic, "retention.ms"] == "-1"
    assert value[names.alerts, "retention.bytes"] == "-1"
    assert value[names.state, "cleanup.policy"] == "compact"
    for topic in (names.classified, names.rates, names.alerts, names.state, names.dead_letters):
        assert value[topic, "message.timestamp.type"] == "LogAppendTime"
    assert int(value[names.dead_letters, "max.message.bytes"]) >= REQUEST_BYTES


def test_differences_are_reported_and_left_alone(broker: LocalKafka, prefix: str) -> None:
    names = TopicNames(prefix)
    with admin_client(broker.connection) as admin:
        admin.create_topics(
            {
                names.state: {
                    "num_partitions": 2,
                    "replication_factor": 1,
                    "configs": {"cleanup.policy": "delete"},
                },
                names.alerts: {
                    "num_partitions": 1,
                    "replication_factor": 1,
                    "configs": {"retention.ms": "1000", "max.message.bytes": "5000000"},
                },
                names.dead_letters: {
                    "num_partitions": 1,
                    "replication_factor": 1,
                    "configs": {"max.message.bytes": "100000"},
                },
            },
            wait_for_metadata=True,
        )
    report = create_topics(broker.connection, names, partitions=4)
    assert names.state not in report.created and names.news in report.created
    expected = {
        f"{names.state}: partitions is 2, expected 4",
        f"{names.state}: cleanup.policy is delete, expected compact",
        f"{names.alerts}: retention.ms is 1000, expected -1",
        f"{names.dead_letters}: max.message.bytes is 100000, expected at least 1048588",
    }
    assert expected < set(report.wrong)
    assert not any(line.startswith(f"{names.alerts}: max.message.bytes") for line in report.wrong)
    assert any(line.startswith(f"{names.state}: segment.bytes") for line in report.tuned)
    assert set(create_topics(broker.connection, names, partitions=4).wrong) == set(report.wrong)


def test_a_missing_topic_is_named(broker: LocalKafka, prefix: str) -> None:
    with pytest.raises(StreamError, match=f"{prefix}news does not exist"):
        require_topics(broker.connection, [TopicNames(prefix).news])


def test_the_command_says_what_it_did(broker: LocalKafka, prefix: str) -> None:
    created = bearwatch("topics", "--broker", broker.bootstrap, "--prefix", prefix)
    assert created.returncode == 0
    assert created.stdout.count("created ") == 7
    differs = bearwatch("topics", "--broker", broker.bootstrap, "--prefix", prefix, "--partitions", "8")
    assert differs.returncode == 1
    assert f"{prefix}classified: partitions is 4, expected 8" in differs.stderr
    too_many = bearwatch(
        "topics", "--broker", broker.bootstrap, "--prefix", f"{prefix}x", "--replication", "3"
    )
    assert too_many.returncode == 1
    assert "replication" in too_many.stderr and "Traceback" not in too_many.stderr


def test_an_unreachable_broker_is_an_error() -> None:
    address = f"127.0.0.1:{free_port()}"
    failed = bearwatch("topics", "--broker", address)
    assert failed.returncode == 1
    assert (
        failed.stderr
        == f"bearwatch: error: no Kafka broker answers at {address}; is it running, is the address right?\n"
    )
