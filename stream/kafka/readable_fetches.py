"""Puts `stream.kafka.record_batches` between a consumer of aiokafka and its brokers.

aiokafka has no place for it: a consumer asks its client for records and reads what comes. So the client's answers to
that one request are changed. Codecs release the interpreter, and the work has a thread of its own: the event loop that
keeps the consumer in its group continues.

Where the offset that is to be read next is no longer there, aiokafka goes on at the first one without a word; here it
is said how many records are missed.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.errors import OffsetOutOfRangeError
from aiokafka.protocol.fetch import FetchRequest

from stream.kafka.record_batches import readable

Send = Callable[..., Coroutine[Any, Any, Any]]
Partition = tuple[str, int]  # topic, number
log = logging.getLogger("bearwatch.kafka")


def read_anything(consumer: AIOKafkaConsumer) -> AIOKafkaConsumer:
    """The consumer, before its start: it will get every record that can be read, without headers.

    A batch that cannot be read comes as one record: see `stream.kafka.record_batches.unreadable`.
    """
    client = consumer._client
    client.send = _readable_answers(client.send)
    consumer._check_crcs = False  # they were checked, and a batch that was changed has none
    return consumer


def _readable_answers(send: Send) -> Send:
    out_of_range: dict[Partition, int] = {}  # the offset that was asked for

    async def answered(node: int, request: Any, **options: Any) -> Any:
        response = await send(node, request, **options)
        if isinstance(request, FetchRequest):
            asked = {
                (topic, number): offset for topic, numbers in request.topics for number, offset, _ in numbers
            }
            for message in passed_over(asked, response.topics, out_of_range):
                log.error("%s", message)
            response.topics = await asyncio.to_thread(_readable, asked, response.topics)
        return response

    return answered


def passed_over(
    asked: dict[Partition, int], topics: list[Any], out_of_range: dict[Partition, int]
) -> list[str]:
    """What an answer says of records that will not be read.

    Args:
        asked: the offset that was asked for, by partition.
        topics: the broker's answer.
        out_of_range: the offsets that were not there before, by partition; it is changed.
    """
    messages = []
    for topic, partitions in topics:
        for number, error, *_ in partitions:
            place = (topic, number)
            if error == OffsetOutOfRangeError.errno:
                out_of_range.setdefault(place, asked[place])
            elif not error and (position := out_of_range.pop(place, None)) is not None:
                messages += _missed(place, position, asked[place])
    return messages


def _missed(place: Partition, position: int, now: int) -> list[str]:
    """Reading goes on at `now` instead of `position`."""
    topic, number = place
    if now > position:
        return [f"{topic} partition {number}: {now - position} records were deleted before they were read"]
    if now < position:
        return [
            f"{topic} partition {number} ends before {position}, the offset to be read next, and is read from {now} "
            'on: was the topic recreated? (docs/OPERATING.md, "A topic was recreated")'
        ]
    return []


def _readable(asked: dict[Partition, int], topics: list[Any]) -> list[Any]:
    return [
        (topic, [_partition(asked[topic, partition[0]], *partition) for partition in partitions])
        for topic, partitions in topics
    ]


def _partition(position: int, number: int, error: int, end: int, *rest: Any) -> tuple[Any, ...]:
    *between, answer = rest
    return (number, error, end, *between, readable(answer, position, end) if answer else answer)
