"""Sends record batches byte for byte, as an enemy's client can; the broker checks some of what they say, not all."""

import asyncio

from aiokafka import TopicPartition
from aiokafka.client import AIOKafkaClient
from aiokafka.errors import for_code
from aiokafka.protocol.produce import ProduceRequest

TIMEOUT_MS = 30_000


def raw_produce(broker: str, topic: str, partition: int, batches: list[bytes]) -> list[str]:
    """Send each batch in a request of its own; gives what the broker says, "NoError" where it took it."""
    return asyncio.run(_produce(broker, topic, partition, batches))


async def _produce(broker: str, topic: str, partition: int, batches: list[bytes]) -> list[str]:
    client = AIOKafkaClient(bootstrap_servers=broker)
    await client.bootstrap()
    try:
        await client.set_topics([topic])
        leader = client.cluster.leader_for_partition(TopicPartition(topic, partition))
        answers = []
        for batch in batches:
            request = ProduceRequest(
                transactional_id=None,
                required_acks=-1,
                timeout=TIMEOUT_MS,
                topics=[(topic, [(partition, batch)])],
            )
            response = await client.send(leader, request)
            ((_, ((_, code, *_),)),) = response.topics
            answers.append(for_code(code).__name__)
        return answers
    finally:
        await client.close()
