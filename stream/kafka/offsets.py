"""Questions to the broker that no consumer group answers: where a partition ends, what stands at an offset."""

import asyncio
from collections.abc import Collection

from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from stream.kafka.connection import KafkaConnection


async def partition_counts(connection: KafkaConnection, topics: Collection[str]) -> dict[str, int]:
    """How many partitions each topic has; 0 for one that does not exist."""
    admin = AIOKafkaAdminClient(**connection.client_options())
    try:
        await admin.start()
        described = await admin.describe_topics(list(topics))
    finally:
        await admin.close()
    return {each["topic"]: len(each["partitions"]) for each in described}


class OffsetsClient:
    """A consumer of its own that joins no group, and only reads the offsets of one; one question at a time."""

    def __init__(self, connection: KafkaConnection, group: str) -> None:
        self._consumer = AIOKafkaConsumer(
            **connection.client_options(),
            group_id=group,
            enable_auto_commit=False,
            auto_offset_reset="earliest",  # where retention took the offset asked for, the first that is kept
            fetch_max_wait_ms=200,
        )
        self._lock = asyncio.Lock()

    async def start(self) -> None:
        await self._consumer.start()

    async def stop(self) -> None:
        await self._consumer.stop()

    async def reached(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """Where the group goes on reading: the committed offset, or the first that is kept."""
        begins = await self.begins(partitions)
        async with self._lock:
            committed = {each: await self._consumer.committed(each) for each in partitions}
        return {each: max(begin, committed[each] or 0) for each, begin in begins.items()}

    async def begins(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The first offset that is still kept, per partition."""
        async with self._lock:
            return dict(await self._consumer.beginning_offsets(list(partitions)))

    async def ends(self, partitions: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        """The offset behind the last record, per partition."""
        async with self._lock:
            return dict(await self._consumer.end_offsets(list(partitions)))

    async def first_from(self, partition: TopicPartition, offset: int, end: int) -> int:
        """The offset of the first record in [offset, end); `end` where only control records stand.

        It waits for the broker's answer, however long: without it nothing may be concluded.
        """
        async with self._lock:
            self._consumer.assign([partition])
            self._consumer.seek(partition, offset)
            while True:
                fetched = await self._consumer.getmany(partition, timeout_ms=200, max_records=1)
                if records := fetched.get(partition):
                    return min(int(records[0].offset), end)
                if await self._consumer.position(partition) >= end:
                    return end
