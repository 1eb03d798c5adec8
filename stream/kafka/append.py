"""Writes one record and waits until it is safe."""

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection
from stream.kafka.reach import reach

REQUEST_MS = 10_000


async def append(connection: KafkaConnection, topic: str, key: bytes, value: bytes) -> None:
    """Write a record and wait until all replicas have it.

    Raises:
        StreamError: it may not be there.
    """
    await reach(connection, 0)
    producer = AIOKafkaProducer(
        **connection.client_options(), acks="all", enable_idempotence=True, request_timeout_ms=REQUEST_MS
    )
    try:
        await producer.start()
        await producer.send_and_wait(topic, value, key=key)
    except KafkaError as error:
        raise StreamError(f"Kafka at {connection} did not take a record for {topic}: {error!r}") from None
    finally:
        await producer.stop()
