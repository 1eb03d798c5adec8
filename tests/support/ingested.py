"""Documents as JSON lines, and what a topic holds after they were sent."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from stream.kafka.connection import KafkaConnection

START = datetime(2025, 3, 1, 12, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)


def line(number: int, **fields: Any) -> bytes:
    """The document `d{number}`, published so many seconds after START."""
    published = (START + timedelta(seconds=number)).isoformat()
    document = {
        "id": f"d{number}",
        "text": "Oil falls",
        "published_at": published,
        "source": "wire",
        **fields,
    }
    return json.dumps(document).encode()


def records(connection: KafkaConnection, topic: str) -> list[Any]:
    """Everything in a topic, by partition and offset."""
    consumer = KafkaConsumer(**connection.client_options(), auto_offset_reset="earliest")
    try:
        partitions = [
            TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        found: list[Any] = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for batch in consumer.poll(timeout_ms=1000).values():
                found.extend(batch)
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        consumer.close()
