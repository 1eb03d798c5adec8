"""What stands in a topic of Kafka by now."""

import time
from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from stream.kafka.connection import KafkaConnection

SILENCE_SECONDS = 30.0


def records(connection: KafkaConnection, topic: str) -> Iterator[Any]:
    """Every committed record up to the present end, in order within its partition.

    Raises TimeoutError where the broker says nothing for SILENCE_SECONDS.
    """
    consumer = KafkaConsumer(
        **connection.client_options(), isolation_level="read_committed", enable_auto_commit=False
    )
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    heard = time.monotonic()
    while any(consumer.position(each) < ends[each] for each in partitions):
        for found in consumer.poll(timeout_ms=500).values():
            yield from found
            heard = time.monotonic()
        if time.monotonic() > heard + SILENCE_SECONDS:
            raise TimeoutError(f"{connection} does not answer")
    consumer.close()
