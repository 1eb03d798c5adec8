"""Sends record batches byte for byte, as an enemy's client can; the broker checks some of what they say, not all."""

import asyncio
from collections.abc import Iterable
from types import TracebackType
from typing import Self

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest

TIMEOUT_MS = 30_000
# Of a new topic.
NOT_YET = ("LeaderNotAvailableError", "NotLeaderForPartitionError", "UnknownTopicOrPartitionError")


class RawProducer:
    """Sends to one topic, each batch in a request of its own; leaving the `with` block closes its connection."""

    def __init__(self, broker: str, topic: str) -> None:
        self._loop = asyncio.new_event_loop()
        self._broker = broker
        self._topic = topic

    def __enter__(self) -> Self:
        self._client = self._loop.run_until_complete(self._connected())
        return self

    async def _connected(self) -> AIOKafkaClient:
        client = AIOKafkaClient(bootstrap_servers=self._broker, request_timeout_ms=TIMEOUT_MS)
        await client.bootstrap()
        await client.set_topics([self._topic])
        return client

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.run_until_complete(self._client.close())
        self._loop.close()

    def send(self, partition: int, batch: bytes) -> str:
        """What the broker says: "NoError" where it took the batch."""
        return self._loop.run_until_complete(self._send(partition, batch))

    async def _send(self, partition: int, batch: bytes) -> str:
        async with asyncio.timeout(TIMEOUT_MS / 1000):
            while (answer := await self._try(partition, batch)) in NOT_YET:
                await self._client.force_metadata_update()
                await asyncio.sleep(0.1)
        return answer

    async def _try(self, partition: int, batch: bytes) -> str:
        leader = self._client.cluster.leader_for_partition(TopicPartition(self._topic, partition))
        if leader is None or leader < 0:
            return NOT_YET[0]
        request = ProduceRequest(
            transactional_id=None,
            required_acks=-1,
            timeout=TIMEOUT_MS,
            topics=[(self._topic, [(partition, batch)])],
        )
        response = await self._client.send(leader, request)
        ((_, ((_, code, *_),)),) = response.topics
        return str(for_code(code).__name__)


def raw_produce(broker: str, topic: str, partition: int, batches: Iterable[bytes]) -> list[str]:
    """Send each batch to a partition; gives what the broker says to each."""
    with RawProducer(broker, topic) as producer:
        return [producer.send(partition, batch) for batch in batches]
