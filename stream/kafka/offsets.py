"""Questions to the broker: where the group continues, where a partition begins and ends, who holds it."""

import asyncio
from collections.abc import Collection
from typing import Any

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection


async def partition_counts(connection: KafkaConnection, topics: Collection[str]) -> dict[str, int]:
    """How many partitions each topic has; 0 for one that does not exist."""
    admin = AIOKafkaAdminClient(**connection.client_options())
    try:
        await admin.start()
        described = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    return _counts(described)


def _counts(described: list[dict[str, Any]]) -> dict[str, int]:
    return {each["topic"]: len(each["partitions"]) for each in described}


class OffsetsClient:
    """Consumers of their own that join no group and only read the offsets of one; one question at a time."""

    def __init__(self, connection: KafkaConnection, group: str) -> None:
        self._committed, self._written = (
            AIOKafkaConsumer(
                **connection.client_options(), group_id=group, enable_auto_commit=False, isolation_level=level
            )
            for level in ("read_committed", "read_uncommitted")
        )
        self._admin = AIOKafkaAdminClient(**connection.client_options())
        self._group = group
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        await self._committed.start()
        await self._written.start()
        await self._admin.start()

    async def stop(self) -> None:
        await self._committed.stop()
        await self._written.stop()
        await self._admin.close()

    async def partition_counts(self, topics: Collection[str]) -> dict[str, int]:
        """How many partitions each topic has; 0 for one that does not exist."""
        return _counts(await self._admin.describe_topics(list(topics)))

    async def held(self) -> frozenset[TopicPartition] | None:
        """What the members of the group hold together; None while the group rebalances."""
        (answer,) = await self._admin.describe_consumer_groups([self._group])
        (_, _, state, _, _, members, *_) = answer.groups[0]
        if state != "Stable":
            return None
        assignments = [ConsumerProtocolMemberAssignment.decode(assignment) for *_, assignment in members]
        return frozenset(each for assignment in assignments for each in assignment.partitions())

    async def reached(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Where the group continues to read: the committed offset, or the first that is kept.

        Raises:
            StreamError: a committed offset lies behind the end of its partition.
        """
        begins, ends = await self.begins(partitions), await self.written_ends(partitions)
        committed = await self.committed(partitions)
        for each, offset in committed.items():
            if offset > ends[each]:
                raise StreamError(
                    f"{each.topic} partition {each.partition} ends at {ends[each]}, but by the consumer group its "
                    f"next record is {offset}: was the topic recreated? Its documents would be passed over; reset the "
                    "group's offsets of this topic (kafka-consumer-groups --reset-offsets --to-earliest)"
                )
        return {each: max(begin, committed[each]) for each, begin in begins.items()}

    async def committed(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset that the group has committed, per partition; 0 where there is none."""
        async with self._lock:
            return {each: await self._committed.committed(each) or 0 for each in partitions}

    async def begins(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that is still kept, per partition."""
        async with self._lock:
            return dict(await self._committed.beginning_offsets(list(partitions)))

    async def ends(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Up to where committed records can be read, per partition: the first open transaction, or the end."""
        async with self._lock:
            return dict(await self._committed.end_offsets(list(partitions)))

    async def written_ends(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset behind the last record, be it committed or not, per partition."""
        async with self._lock:
            return dict(await self._written.end_offsets(list(partitions)))
