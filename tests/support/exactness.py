"""Documents with known counts, and what the stream counted, read from Kafka."""

import json
import random
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2
from keyword_model import SENTIMENTS, TOPICS, WORDS

from alerting.detection.policy import Policy
from bearwatch.core.streams import STREAMS
from bearwatch.core.times import utc
from models.text import normalise
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.state import PartitionState, decode_minute, load
from stream.classify.document import story_of
from stream.ingest.producer import DocumentProducer
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames
from stream.messages import Classified, Origin, Tick, entity_key, topic_key

COMPANIES = ("Harlech", "Mervane")  # which a third of the documents name, some of them both
MINUTES = 90  # of event time, whatever the real time of the run
SURGE_EVERY, SURGE_MINUTES = 20, 4

# Everything is hours old, so a worker that found a source idle would advance its watermark to now and close all panes;
# and every minute is kept, to be compared at the end.
POLICY = """
[time]
idle_after_seconds = 1e6
story_memory_seconds = 1e6
"""


class Counts(NamedTuple):
    """The counts of one pane of a key."""

    documents: int
    negative_documents: int
    stories: int
    sources: int


def write_policy(path: Path) -> Path:
    """The policy of minutes with the times above."""
    minutes = Path(__file__).with_name("minute_policy.toml").read_text()
    head, _, tail = minutes.partition("[time]")
    tail = tail.replace("story_memory_seconds = 1800\n", "")
    path.write_text(head + POLICY.strip() + tail)
    return path


def write_watch_list(path: Path) -> Path:
    """The watch list of COMPANIES."""
    path.write_text("id,names\n" + "".join(f"{each},{each}\n" for each in COMPANIES))
    return path


def documents(count: int, seed: int) -> Iterator[tuple[str, str, bytes, int]]:
    """(stream, id, document, milliseconds) in order of time; a fifth is negative, with surges in every key."""
    rng = random.Random(seed)
    start = (int(time.time()) - 6 * 3600) // 3600 * 3600
    for number in range(count):
        seconds = start + MINUTES * 60 * number / count
        stream, topic = rng.choice(STREAMS), rng.choice(TOPICS)
        minute = (seconds - start) / 60 - 5 * TOPICS.index(topic)
        surge = minute > 30 and minute % SURGE_EVERY < SURGE_MINUTES
        sentiment = "negative" if rng.random() < (0.8 if surge else 0.2) else rng.choice(SENTIMENTS[1:])
        name = rng.randrange(count // 20) if rng.random() < 0.1 else f"n{number}"
        companies = rng.choice(
            ("", "", "", "", *(f" {each}" for each in COMPANIES), f" {' '.join(COMPANIES)}")
        )
        yield (
            stream,
            f"d{number}",
            _document(number, f"{WORDS[topic]} {sentiment} {name}{companies}", seconds, rng),
            int(seconds * 1000),
        )


def _document(number: int, text: str, seconds: float, rng: random.Random) -> bytes:
    return json.dumps(
        {
            "id": f"d{number}",
            "text": text,
            "published_at": utc(seconds).isoformat(),
            "source": f"wire-{rng.randrange(6)}",
        }
    ).encode()


def send(
    broker: str,
    names: TopicNames,
    count: int,
    seed: int,
    per_second: float,
    meanwhile: Callable[[float], None],
) -> None:
    """Send them at a steady rate; `meanwhile` is called with the ratio of documents sent, to cause faults."""
    with DocumentProducer(KafkaConnection(broker), names) as producer:
        started, last = time.monotonic(), 0
        for number, (stream, key, document, milliseconds) in enumerate(documents(count, seed)):
            producer.send(stream, document, key, milliseconds)
            last = milliseconds
            if number % 50 == 0:
                time.sleep(max(0.0, started + number / per_second - time.monotonic()))
                meanwhile(number / count)
    close_windows(broker, names, last)


def close_windows(broker: str, names: TopicNames, last: int) -> None:
    """A last document in every partition, much later, so that every window before it is evaluated."""
    later = last + 2 * 3600 * 1000
    document = _document(0, "macro neutral the end", later / 1000, random.Random(0))
    with _consumer(broker) as consumer:
        sizes = {stream: len(consumer.partitions_for_topic(names.input(stream)) or ()) for stream in STREAMS}
    with DocumentProducer(KafkaConnection(broker), names) as producer:
        for stream, size in sizes.items():
            for key in _a_key_for_each_partition(size):
                producer.send(stream, document, key, later)


def _a_key_for_each_partition(count: int) -> list[str]:
    found: dict[int, str] = {}
    number = 0
    while len(found) < count:
        found.setdefault((murmur2(f"end{number}".encode()) & 0x7FFFFFFF) % count, f"end{number}")
        number += 1
    return list(found.values())


@contextmanager
def _consumer(broker: str) -> Iterator[KafkaConsumer]:
    consumer = KafkaConsumer(
        bootstrap_servers=broker, isolation_level="read_committed", enable_auto_commit=False
    )
    try:
        yield consumer
    finally:
        consumer.close()


def records(broker: str, topic: str) -> Iterator[Any]:
    """Every committed record of a topic."""
    with _consumer(broker) as consumer:
        numbers = sorted(consumer.partitions_for_topic(topic) or ())
        partitions = [TopicPartition(topic, number) for number in numbers]
        consumer.assign(partitions)
        consumer.seek_to_beginning(*partitions)
        ends = consumer.end_offsets(partitions)
        while any(consumer.position(each) < ends[each] for each in partitions):
            for found in consumer.poll(timeout_ms=500).values():
                yield from found


class Truth(NamedTuple):
    """What must come out, from the input topics alone."""

    panes: dict[tuple[str, int], Counts]
    alerts: Counter[tuple[str, str]]  # id, state
    documents: int


def truth(broker: str, names: TopicNames, policy: Policy, model: str) -> Truth:
    """Counts by counting; alerts by the aggregator on an undisturbed stream."""
    messages = [
        message
        for stream in STREAMS
        for record in records(broker, names.input(stream))
        for message in _classified(record, names, model)
    ]
    pane_seconds = policy.windows.evaluate_every_seconds
    panes: dict[tuple[str, int], list[Classified]] = defaultdict(list)
    for message in messages:
        panes[message.key, int(message.event_time.timestamp()) // pane_seconds * pane_seconds].append(message)
    counts = {
        place: Counts(
            len(inside),
            sum(message.sentiment == "negative" for message in inside),
            len({message.story for message in inside}),
            len({message.source for message in inside}),
        )
        for place, inside in panes.items()
    }
    return Truth(counts, _alerts(messages, policy, model), len(messages))


def _classified(record: Any, names: TopicNames, model: str) -> list[Classified]:
    """What a document counts as: once under its topic and once under each company that it names."""
    content = json.loads(record.value)
    stream = "news" if record.topic == names.news else "comments"
    word, sentiment, _, *companies = content["text"].split()
    topic = next(topic for topic, known in WORDS.items() if known == word)
    of_topic = Classified(
        id=content["id"],
        key=topic_key(stream, topic),
        stream=stream,
        topic=topic,
        topic_probability=1.0,
        sentiment=sentiment,
        sentiment_probability=1.0,
        event_time=utc(record.timestamp / 1000),
        published_at=utc(record.timestamp / 1000),
        source=content["source"],
        text=content["text"],
        story=story_of(normalise(content["text"])),
        origin=Origin(record.topic, record.partition, record.offset),
        model=model,
    )
    of_companies = (
        msgspec.structs.replace(of_topic, key=entity_key(stream, each))
        for each in companies
        if each in COMPANIES
    )
    return [of_topic, *of_companies]


def _alerts(messages: list[Classified], policy: Policy, model: str) -> Counter[tuple[str, str]]:
    aggregator = Aggregator(policy, model, ["all"])
    for offset, message in enumerate(sorted(messages, key=lambda each: each.event_time)):
        aggregator.apply(message, time.time())
        aggregator.apply(
            Tick(source="all", offset=offset, event_time=message.event_time.timestamp()), time.time()
        )
    return Counter((alert.id, alert.state) for alert in aggregator.take_changes().alerts)


def counted(broker: str, names: TopicNames) -> tuple[dict[tuple[str, int], Counts], int]:
    """The panes in the `state` topic, and how many documents they hold."""
    state = PartitionState()
    for record in records(broker, names.state):
        load(state, record.key, record.value)
    panes = {
        (key, start): Counts(pane.documents, pane.negative_documents, len(pane.stories), len(pane.sources))
        for key, minutes in state.minutes.items()
        for minute in map(decode_minute, minutes.values())
        for start, pane in minute.panes.items()
    }
    return panes, sum(pane.documents for pane in panes.values())


def alerts(broker: str, names: TopicNames) -> Counter[tuple[str, str]]:
    """The alerts that a reader of committed records sees."""
    found = (json.loads(record.value) for record in records(broker, names.alerts))
    return Counter((alert["id"], alert["state"]) for alert in found)


def wait_until_counted(broker: str, names: TopicNames, expected: int, seconds: float) -> None:
    """Wait until as many documents are counted; go on after `seconds` all the same: the comparison will tell."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and counted(broker, names)[1] < expected:
        time.sleep(1)
