"""Questions to a Kafka broker: is it there, do topics exist, how far do their records go."""

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from kafka import KafkaAdminClient, TopicPartition
from kafka.admin import ConfigResource, ConfigResourceType, OffsetSpec
from kafka.errors import ClusterAuthorizationFailedError, KafkaError, TopicAuthorizationFailedError

from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection
from stream.kafka.reach import CONNECT_SECONDS, reach

LOG_APPEND_TIME = "LogAppendTime"


@contextmanager
def admin_client(connection: KafkaConnection) -> Iterator[KafkaAdminClient]:
    """A client for asking and creating.

    Raises:
        KafkaSettingsError: a file of the connection cannot be used.
        StreamError: the broker refuses us, or nobody answers within CONNECT_SECONDS.
    """
    logging.getLogger("kafka").setLevel(logging.CRITICAL)  # it reports each attempt; we report the outcome
    asyncio.run(reach(connection))
    try:
        client = KafkaAdminClient(
            **connection.client_options(), bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000)
        )
    except (KafkaError, OSError, ValueError) as error:
        raise StreamError(
            f"no Kafka broker answers at {connection}; is it running, is the address right?"
        ) from error
    try:
        yield client
    except KafkaError as error:
        raise StreamError(f"Kafka at {connection}: {error}") from error
    finally:
        client.close()


def require_topics(connection: KafkaConnection, topics: Iterable[str]) -> None:
    """Raises StreamError naming the first topic that does not exist."""
    with admin_client(connection) as admin:
        missing = [topic["name"] for topic in admin.describe_topics(list(topics)) if not topic["partitions"]]
    if missing:
        raise StreamError(
            f"the topic {missing[0]} does not exist at {connection}; create it with `bearwatch topics`"
        )


def newest_timestamp_ms(connection: KafkaConnection, topic: str) -> int | None:
    """The largest record timestamp in a topic, in milliseconds since 1970; None when it is empty.

    Raises:
        StreamError: the topic does not take the timestamps of producers: history would get today's.
    """
    with admin_client(connection) as admin:
        if _timestamp_type(admin, topic) == LOG_APPEND_TIME:
            raise StreamError(
                f"{topic} at {connection} stamps records on arrival (message.timestamp.type is {LOG_APPEND_TIME}), so "
                "that all of the history would lie in one window; set it to CreateTime, or use another --prefix"
            )
        (description,) = admin.describe_topics([topic])
        partitions = [TopicPartition(topic, part["partition_index"]) for part in description["partitions"]]
        newest = admin.list_partition_offsets(dict.fromkeys(partitions, OffsetSpec.MAX_TIMESTAMP))
    return max((at.timestamp for at in newest.values() if at.timestamp >= 0), default=None)


def _timestamp_type(admin: KafkaAdminClient, topic: str) -> str | None:
    """Whose clock stamps the records of a topic; None where this user may not ask."""
    try:
        found = admin.describe_configs([ConfigResource(ConfigResourceType.TOPIC, topic)], config_filter="all")
    except (TopicAuthorizationFailedError, ClusterAuthorizationFailedError):
        return None
    value: str = found["topic"][topic]["message.timestamp.type"]["value"]
    return value
