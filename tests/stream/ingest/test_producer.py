"""The producer of documents: what a topic holds afterwards, and what happens without topics or without a broker."""

import pytest
from ingested import START_MS, line, records
from kafka.partitioner.default import murmur2

from bearwatch.local.kafka import LocalKafka
from stream.errors import StreamError
from stream.ingest.producer import DocumentProducer
from stream.kafka.topics import TopicNames, create_topics


@pytest.fixture
def names(broker: LocalKafka, prefix: str) -> TopicNames:
    names = TopicNames(prefix)
    create_topics(broker.connection, names)
    return names


def test_records_have_the_documents_key_and_time(broker: LocalKafka, names: TopicNames) -> None:
    with DocumentProducer(broker.connection, names) as producer:
        for number in range(100):
            producer.send("news", line(number), f"d{number}", START_MS + number)
        producer.flush()
        assert producer.sent == 100
    found = records(broker.connection, names.news)
    assert {record.key: (record.value, record.timestamp) for record in found} == {
        f"d{number}".encode(): (line(number), START_MS + number) for number in range(100)
    }
    assert all(record.partition == (murmur2(record.key) & 0x7FFFFFFF) % 4 for record in found)
    assert len({record.partition for record in found}) == 4


def test_a_missing_topic_is_an_error(broker: LocalKafka, prefix: str) -> None:
    with pytest.raises(StreamError, match=f"{prefix}news does not exist"):
        DocumentProducer(broker.connection, TopicNames(prefix))


def test_a_broker_that_stops_answering_is_an_error(broker: LocalKafka, names: TopicNames) -> None:
    producer = DocumentProducer(broker.connection, names, delivery_seconds=1)
    with pytest.raises(StreamError, match="did not accept a document"), producer:
        producer.send("news", line(1), "d1")
        producer.flush()
        broker.pause()
        try:
            producer.send("news", line(1), "d1")
            producer.flush()
        finally:
            broker.resume()


def test_it_asks_for_a_broker_several_times_before_a_document_has_failed(
    broker: LocalKafka, names: TopicNames
) -> None:
    with DocumentProducer(broker.connection, names) as producer:
        config = producer._producer.config
    assert 5 * config["reconnect_backoff_max_ms"] < config["delivery_timeout_ms"]
