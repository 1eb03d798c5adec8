"""Questions to the broker: where the group goes on, and where a partition begins and ends."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import pytest
from aiokafka import TopicPartition
from kafka import KafkaAdminClient, KafkaConsumer, KafkaProducer
from kafka import TopicPartition as KafkaPartition
from kafka.structs import OffsetAndMetadata

from bearwatch.local.kafka import LocalKafka
from stream.errors import StreamError
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
        offsets_client = OffsetsClient(broker.connection, f"{place.topic}-group")
        await offsets_client.start()
        try:
            async with asyncio.timeout(60):
                return await question(offsets_client)
        finally:
            await offsets_client.stop()

    return asyncio.run(run())


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


def test_where_the_group_continues_to_read(broker: LocalKafka, news: TopicPartition):
    send(broker, news, 10)
    assert ask(broker, news, lambda client: client.reached([news])) == {news: 0}
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=f"{news.topic}-group")
    consumer.commit({KafkaPartition(*news): OffsetAndMetadata(4, "", -1)})
    consumer.close()
    assert ask(broker, news, lambda client: client.reached([news])) == {news: 4}
    delete_before(broker, news, 7)
    assert ask(broker, news, lambda client: client.reached([news])) == {news: 7}
    assert ask(broker, news, lambda client: client.begins([news])) == {news: 7}
    assert ask(broker, news, lambda client: client.ends([news])) == {news: 10}


def test_what_is_not_committed_is_behind_one_end_and_before_the_other(
    broker: LocalKafka, news: TopicPartition
):
    """A transaction of two documents (0, 1, marker), then one that is open, then a document without any."""
    with KafkaProducer(bootstrap_servers=broker.bootstrap, transactional_id=news.topic) as producer:
        producer.init_transactions()
        producer.begin_transaction()
        producer.send(news.topic, b"one")
        producer.send(news.topic, b"two")
        producer.commit_transaction()
        producer.begin_transaction()
        producer.send(news.topic, b"three").get()
        send(broker, news, 1)
        assert ask(broker, news, lambda client: client.ends([news])) == {news: 3}
        assert ask(broker, news, lambda client: client.written_ends([news])) == {news: 5}
        producer.abort_transaction()
    assert ask(broker, news, lambda client: client.ends([news])) == {news: 6}
    assert ask(broker, news, lambda client: client.written_ends([news])) == {news: 6}


def test_an_offset_behind_the_end_is_an_error(broker: LocalKafka, news: TopicPartition):
    """The topic was recreated and the group's offsets were not: its documents would be passed over."""
    send(broker, news, 3)
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, group_id=f"{news.topic}-group")
    consumer.commit({KafkaPartition(*news): OffsetAndMetadata(4, "", -1)})
    consumer.close()
    with pytest.raises(
        StreamError, match=r"partition 0 ends at 3, but .* next record is 4: was the topic recreated"
    ):
        ask(broker, news, lambda client: client.reached([news]))


def test_several_questions_at_once(broker: LocalKafka, news: TopicPartition):
    send(broker, news, 10)

    async def all_at_once(offsets_client: OffsetsClient) -> list[dict[TopicPartition, int]]:
        return list(await asyncio.gather(*(offsets_client.reached([news]) for _ in range(10))))

    assert ask(broker, news, all_at_once) == [{news: 0}] * 10
