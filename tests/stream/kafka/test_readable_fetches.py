"""Records that were gone before they were read are said, with their number: aiokafka passes over them in silence."""

import asyncio

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition
from kafka import KafkaAdminClient, KafkaProducer
from kafka import TopicPartition as KafkaPartition
from waiting import PATIENCE_SECONDS

from bearwatch.local.kafka import LocalKafka
from stream.kafka.readable_fetches import passed_over, read_anything
from stream.kafka.topics import TopicNames, create_topics

NEWS = ("news", 0)
OUT_OF_RANGE = 1  # Kafka's number of the error


def said(*answers: tuple[int, int]) -> list[str]:
    """What is said of the answers (offset that was asked for, error) of one partition."""
    out_of_range: dict[tuple[str, int], int] = {}
    return [
        message
        for asked, error in answers
        for message in passed_over({NEWS: asked}, [("news", [(0, error, 99, b"")])], out_of_range)
    ]


def test_the_number_of_records_that_were_deleted_unread():
    deleted = "news partition 0: 40 records were deleted before they were read"
    assert said((20, OUT_OF_RANGE), (60, 0), (61, 0)) == [deleted]
    assert said((20, OUT_OF_RANGE), (20, OUT_OF_RANGE), (60, 0)) == [deleted], "asked twice"
    assert said((20, OUT_OF_RANGE), (40, OUT_OF_RANGE), (60, 0)) == [deleted], "more was deleted meanwhile"


def test_a_topic_that_begins_anew():
    (message,) = said((50, OUT_OF_RANGE), (0, 0))
    assert "news partition 0 ends before 50" in message and "was the topic recreated?" in message


@pytest.mark.parametrize("error", [0, 3, 6])
def test_other_answers_say_nothing(error: int):
    assert said((20, error), (60, 0)) == []
    assert said((20, OUT_OF_RANGE), (20, 0)) == [], "it was there all the same"
    assert said((20, OUT_OF_RANGE), (60, error or 3)) == []


def test_a_consumer_says_what_it_misses(broker: LocalKafka, prefix: str, caplog: pytest.LogCaptureFixture):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=1)
    with KafkaProducer(bootstrap_servers=broker.bootstrap) as producer:
        for number in range(9):
            producer.send(names.news, b"%d" % number)
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.delete_records({KafkaPartition(names.news, 0): 7})

    async def read() -> bytes:
        consumer = read_anything(
            AIOKafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
        )
        await consumer.start()
        try:
            consumer.assign([place := TopicPartition(names.news, 0)])
            consumer.seek(place, 2)
            async with asyncio.timeout(PATIENCE_SECONDS):
                return bytes((await consumer.getone()).value)
        finally:
            await consumer.stop()

    assert asyncio.run(read()) == b"7"
    assert f"{names.news} partition 0: 5 records were deleted before they were read" in caplog.text
