"""The Kafka topics: their names, what each must be, creating them or saying how existing ones differ."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from kafka.errors import NoError, TopicAlreadyExistsError, for_code

from stream.errors import StreamError
from stream.kafka.admin import admin_client
from stream.kafka.connection import KafkaConnection

DAY_MS = 24 * 60 * 60 * 1000
MIB = 2**20


@dataclass(frozen=True)
class TopicNames:
    """What the topics are called; `bearwatch.news` and so on unless configured otherwise."""

    prefix: str = "bearwatch."

    @property
    def news(self) -> str:
        return f"{self.prefix}news"

    @property
    def comments(self) -> str:
        return f"{self.prefix}comments"

    @property
    def classified(self) -> str:
        return f"{self.prefix}classified"

    @property
    def rates(self) -> str:
        return f"{self.prefix}rates"

    @property
    def alerts(self) -> str:
        return f"{self.prefix}alerts"

    @property
    def state(self) -> str:
        return f"{self.prefix}state"

    @property
    def dead_letters(self) -> str:
        return f"{self.prefix}dead-letters"

    @property
    def all(self) -> list[str]:
        """Every topic, in the order in which a document meets them."""
        return [
            self.news,
            self.comments,
            self.classified,
            self.state,
            self.rates,
            self.alerts,
            self.dead_letters,
        ]

    def input(self, stream: str) -> str:
        """The topic of an input stream, `news` or `comments`."""
        return {"news": self.news, "comments": self.comments}[stream]


@dataclass(frozen=True)
class TopicPlan:
    """What one topic should be. Without the `required` settings records get lost; `chosen` may be tuned."""

    name: str
    partitions: int
    required: Mapping[str, str]
    chosen: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class TopicReport:
    """What `create_topics` did and found; `wrong` must be put right, `tuned` may be meant."""

    created: list[str]
    wrong: list[str]
    tuned: list[str]


# Kafka deletes a record stamped years ago (a back-fill) at its next check of a topic that keeps by age. So
# inputs, stamped with event times, keep by size only, and all other topics are stamped on arrival.
INPUT = {"cleanup.policy": "delete", "message.timestamp.type": "CreateTime", "retention.ms": "-1"}
# Kafka's own default, which a cluster may have lowered: a batch of results and a dead letter take half of it.
OUTPUT = {
    "cleanup.policy": "delete",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": str(MIB + 12),
}
FOR_EVER = {"retention.ms": "-1", "retention.bytes": "-1"}
# A record holds the stories of one key and minute, of which there is a limit (`stream/aggregate/records.py`).
STATE_BYTES = 16 * MIB
COMPACTED = {
    "cleanup.policy": "compact",
    "message.timestamp.type": "LogAppendTime",
    "max.message.bytes": str(STATE_BYTES),
}
AT_LEAST = {"max.message.bytes": "at least "}  # more is as good


def plans(names: TopicNames, partitions: int) -> list[TopicPlan]:
    """All topics. `state` has a partition for each of `classified`; what people read has one, in order."""
    # Of each partition: about two million documents of 500 bytes.
    by_size = {"retention.bytes": str(1024 * MIB), "segment.bytes": str(128 * MIB)}
    # Short segments are compacted soon, so that a starting worker reads little more than what is current.
    compact_soon = {
        "segment.bytes": str(32 * MIB),
        "segment.ms": str(60 * 60 * 1000),
        "min.cleanable.dirty.ratio": "0.1",
    }
    return [
        TopicPlan(names.news, partitions, INPUT, by_size),
        TopicPlan(names.comments, partitions, INPUT, by_size),
        TopicPlan(names.classified, partitions, OUTPUT, {**by_size, "retention.ms": str(7 * DAY_MS)}),
        TopicPlan(names.state, partitions, COMPACTED, compact_soon),
        TopicPlan(names.rates, 1, OUTPUT, {**by_size, "retention.ms": str(90 * DAY_MS)}),
        TopicPlan(names.alerts, 1, {**OUTPUT, **FOR_EVER}),
        TopicPlan(names.dead_letters, 1, OUTPUT, {**by_size, "retention.ms": str(30 * DAY_MS)}),
    ]


def create_topics(
    connection: KafkaConnection, names: TopicNames, partitions: int = 4, replication: int = 1
) -> TopicReport:
    """Create the topics that are missing and compare the others; nothing existing is changed.

    Raises:
        StreamError: the broker cannot be reached or refuses.
    """
    planned = plans(names, partitions)
    with admin_client(connection) as admin:
        results = admin.create_topics(
            {plan.name: _request(plan, replication) for plan in planned}, raise_errors=False
        )
        codes = {topic["name"]: topic for topic in results["topics"]}
        created = [name for name, topic in codes.items() if for_code(topic["error_code"]) is NoError]
        for name, topic in codes.items():
            if for_code(topic["error_code"]) not in (NoError, TopicAlreadyExistsError):
                raise StreamError(f"Kafka does not create the topic {name}: {topic['error_message']}")
        if created:
            admin.wait_for_topics(created)
        return _compare(admin, created, [plan for plan in planned if plan.name not in created], replication)


def _request(plan: TopicPlan, replication: int) -> dict[str, Any]:
    durable = {"min.insync.replicas": str(max(1, replication - 1))}
    configs = {**plan.required, **plan.chosen, **durable}
    return {"num_partitions": plan.partitions, "replication_factor": replication, "configs": configs}


def _compare(
    admin: KafkaAdminClient, created: list[str], existing: list[TopicPlan], replication: int
) -> TopicReport:
    report = TopicReport(created, [], [])
    if not existing:
        return report
    shapes = {
        topic["name"]: topic["partitions"] for topic in admin.describe_topics([p.name for p in existing])
    }
    resources = [ConfigResource(ConfigResourceType.TOPIC, plan.name) for plan in existing]
    configs = admin.describe_configs(resources, config_filter="all")["topic"]
    for plan in existing:
        shape = shapes[plan.name]
        has = {name: entry["value"] for name, entry in configs[plan.name].items()}
        has |= {"partitions": str(len(shape)), "replication": str(len(shape[0]["replica_nodes"]))}
        wants = {"partitions": str(plan.partitions), "replication": str(replication), **plan.required}
        report.wrong.extend(_differences(plan.name, has, wants))
        report.tuned.extend(_differences(plan.name, has, plan.chosen))
    return report


def _differences(name: str, has: Mapping[str, str], wants: Mapping[str, str]) -> list[str]:
    return [
        f"{name}: {key} is {has.get(key)}, expected {AT_LEAST.get(key, '')}{value}"
        for key, value in wants.items()
        if has.get(key) != value and not (key in AT_LEAST and int(has.get(key) or 0) > int(value))
    ]
