"""What stands in a topic of Kafka by now."""

from collections.abc import Iterator
from typing import Any

from kafka import KafkaConsumer, TopicPartition


def records(broker: str, topic: str) -> Iterator[Any]:
    """Every committed record up to the present end, in order within its partition."""
    consumer = KafkaConsumer(
        bootstrap_servers=broker, isolation_level="read_committed", enable_auto_commit=False
    )
    partitions = [TopicPartition(topic, number) for number in consumer.partitions_for_topic(topic) or ()]
    consumer.assign(partitions)
    consumer.seek_to_beginning(*partitions)
    ends = consumer.end_offsets(partitions)
    while any(consumer.position(each) < ends[each] for each in partitions):
        for found in consumer.poll(timeout_ms=500).values():
            yield from found
    consumer.close()
