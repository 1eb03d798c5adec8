"""Questions to the broker, among them what stands behind the last record that was read."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from aiokafka import TopicPartition
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka import TopicPartition as KafkaPartition
from kafka.structs import OffsetAndMetadata

from bearwatch.local.kafka import LocalKafka
from stream.kafka.offsets import OffsetsClient, partition_counts
from stream.kafka.topics import TopicNames, create_topics

Answer = TypeVar("Answer")


@pytest.fixture
def news(broker: LocalKafka, prefix: str) -> TopicPartition:
    create_topics(broker.connection, names := TopicNames(prefix), partitions=1)
    return TopicPartition(names.news, 0)


def ask(
    broker: LocalKafka, place: TopicPartition, question: Callable[[OffsetsClient], Awaitable[Answer]]
) -> Answer:
    async def run() -> Answer:
        lookup = OffsetsClient(broker.connection, f"{place.topic}-group")
        await lookup.start()
        try:
            async with asyncio.timeout(60):
                return await question(lookup)
        finally:
            await lookup.stop()

    return asyncio.run(run())


def first_from(broker: LocalKafka, place: TopicPartition, offset: int, end: int) -> int:
    return ask(broker, place, lambda lookup: lookup.first_from(place, offset, end))


def send(broker: LocalKafka, place: TopicPartition, count: int) -> None:
    with KafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for number in range(count):
            producer.send(place.topic, b"%d" % number)


def delete_before(broker: LocalKafka, place: TopicPartition, offset: int) -> None:
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.delete_records({KafkaPartition(*place): offset})


def test_partitions_are_counted_and_missing_topics_have_none(broker: LocalKafka, prefix: str):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=3)
    counts = asyncio.run(partition_counts(broker.connection, [names.news, names.alerts, f"{prefix}none"]))
    assert counts == {names.news: 3, names.alerts: 1, f"{prefix}none": 0}


def test_where_the_group_goes_on(broker: LocalKafka, news: TopicPartition):
    send(broker, news, 10)
    assert ask(broker, news, lambda lookup: lookup.reached([news])) == {news: 0}
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=f"{news.topic}-group")
    consumer.commit({KafkaPartition(*news): OffsetAndMetadata(4, "", -1)})
    consumer.close()
    assert ask(broker, news, lambda lookup: lookup.reached([news])) == {news: 4}
    delete_before(broker, news, 7)
    assert ask(broker, news, lambda lookup: lookup.reached([news])) == {news: 7}
    assert ask(broker, news, lambda lookup: lookup.begins([news])) == {news: 7}
    assert ask(broker, news, lambda lookup: lookup.ends([news])) == {news: 10}


def test_nothing_but_control_records_stands_at_the_end(broker: LocalKafka, news: TopicPartition):
    """Two transactions of two documents: 0, 1, marker, 3, 4, marker."""
    with KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=news.topic) as producer:
        producer.init_transactions()
        for _ in range(2):
            producer.begin_transaction()
            producer.send(news.topic, b"one")
            producer.send(news.topic, b"two")
            producer.commit_transaction()
    assert ask(broker, news, lambda lookup: lookup.ends([news])) == {news: 6}
    assert first_from(broker, news, 0, 6) == 0
    assert first_from(broker, news, 1, 6) == 1
    assert first_from(broker, news, 2, 6) == 3
    assert first_from(broker, news, 5, 6) == 6
    assert first_from(broker, news, 2, 3) == 3, "the first one stands at the end asked for"


def test_what_retention_took_stands_nowhere(broker: LocalKafka, news: TopicPartition):
    send(broker, news, 10)
    delete_before(broker, news, 7)
    assert first_from(broker, news, 2, 10) == 7
    assert first_from(broker, news, 2, 5) == 5


def test_one_question_at_a_time(broker: LocalKafka, news: TopicPartition):
    """The ticker and both agents ask at once."""
    send(broker, news, 10)

    async def all_at_once(lookup: OffsetsClient) -> list[int]:
        return list(await asyncio.gather(*(lookup.first_from(news, offset, 10) for offset in range(10))))

    assert ask(broker, news, all_at_once) == list(range(10))
