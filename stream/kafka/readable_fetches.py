"""Puts `stream.kafka.record_batches` between a consumer of aiokafka and its brokers.

aiokafka has no place for it: a consumer asks its client for records and reads what comes. So the client's answers to
that one request are changed. Codecs release the interpreter, and the work has a thread of its own: the event loop that
keeps the consumer in its group continues.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.protocol.fetch import FetchRequest

from stream.kafka.record_batches import readable

Send = Callable[..., Coroutine[Any, Any, Any]]


def read_anything(consumer: AIOKafkaConsumer) -> AIOKafkaConsumer:
    """The consumer, before its start: it will get every record that can be read, without headers.

    A batch that cannot be read comes as one record: see `stream.kafka.record_batches.unreadable`.
    """
    client = consumer._client
    client.send = _readable_answers(client.send)
    consumer._check_crcs = False  # they were checked, and a batch that was changed has none
    return consumer


def _readable_answers(send: Send) -> Send:
    async def answered(node: int, request: Any, **options: Any) -> Any:
        response = await send(node, request, **options)
        if isinstance(request, FetchRequest):
            response.topics = await asyncio.to_thread(_readable, request.topics, response.topics)
        return response

    return answered


def _readable(requested: list[Any], topics: list[Any]) -> list[Any]:
    asked = {(topic, number): offset for topic, numbers in requested for number, offset, _ in numbers}
    return [
        (topic, [_partition(asked[topic, partition[0]], *partition) for partition in partitions])
        for topic, partitions in topics
    ]


def _partition(position: int, number: int, error: int, end: int, *rest: Any) -> tuple[Any, ...]:
    *between, answer = rest
    return (number, error, end, *between, readable(answer, position, end) if answer else answer)
