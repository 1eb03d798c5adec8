"""Runs in a container of our image, from standard input: what the topics hold, as one JSON object.

sent            records in the input topics
missing         of these, the ones that are not classified; nothing in the sample can be rejected
alerts          the messages of the topic `alerts`
rates           keys and window lengths; the counts of the newest window of each were counted again
wrong_rates     of these, the ones whose counts are not those of the classified documents
newest          end of the newest window, in seconds since the epoch
"""

import json
import os
import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from kafka import KafkaConsumer, TopicPartition

from stream.kafka.topics import TopicNames

Message = dict[str, Any]
names = TopicNames()
consumer = KafkaConsumer(
    bootstrap_servers=os.environ["BEARWATCH_BROKER"],
    isolation_level="read_committed",
    enable_auto_commit=False,
)


def ends(topic: str) -> dict[TopicPartition, int]:
    numbers = consumer.partitions_for_topic(topic)
    found: dict[TopicPartition, int] = consumer.end_offsets([TopicPartition(topic, each) for each in numbers])
    return found


def messages(topic: str) -> Iterator[Message]:
    until = ends(topic)
    consumer.assign(list(until))
    consumer.seek_to_beginning(*until)
    while any(consumer.position(each) < end for each, end in until.items()):
        for records in consumer.poll(timeout_ms=500).values():
            yield from (json.loads(record.value) for record in records if record.value is not None)


def seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()


def counts(classified: list[Message]) -> tuple[int, int, int]:
    negative = sum(each["sentiment"] == "negative" for each in classified)
    return len(classified), negative, len({each["story"] for each in classified})


# In this order: what was sent, and what a rate counts, is found by the reads that follow.
sent = {
    (place.topic, place.partition, offset)
    for stream in ("news", "comments")
    for place, end in ends(names.input(stream)).items()
    for offset in range(end)
}
rates = {(each["key"], each["window_seconds"]): each for each in messages(names.rates)}
classified: dict[str, dict[tuple[str, int, int], Message]] = defaultdict(dict)
for each in messages(names.classified):
    if "origin" in each:  # the others say how far a source has been read
        place = each["origin"]
        classified[each["key"]][place["topic"], place["partition"], place["offset"]] = each

wrong = []
for (key, length), rate in rates.items():
    end = seconds(rate["window_end"])
    window = [each for each in classified[key].values() if end - length <= seconds(each["event_time"]) < end]
    written = (rate["documents"], rate["negative_documents"], rate["stories"])
    if written != counts(window):
        wrong.append(f"{key}, {length} s until {rate['window_end']}: {written}, not {counts(window)}")
result = {
    "sent": len(sent),
    "missing": len(sent - {place for places in classified.values() for place in places}),
    "alerts": list(messages(names.alerts)),
    "rates": len(rates),
    "wrong_rates": wrong,
    "newest": max((seconds(each["window_end"]) for each in rates.values()), default=0.0),
}
json.dump(result, sys.stdout)
