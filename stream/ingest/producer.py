"""Documents into Kafka: confirmed by all replicas, each written once, with a limit on unconfirmed bytes in memory."""

import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from kafka import KafkaProducer
from kafka.errors import KafkaError

from stream.errors import StreamError
from stream.kafka.admin import require_topics
from stream.kafka.connection import KafkaConnection
from stream.kafka.reach import CONNECT_SECONDS
from stream.kafka.topics import TopicNames

# Kafka accepts 1 MiB per record; 4 KiB of it are left for the key (an id of 512 characters) and for framing.
MAX_DOCUMENT_BYTES = 2**20 - 2**12
MAX_UNCONFIRMED_BYTES = 16 * 2**20
DELIVERY_SECONDS = 30.0  # a document that is not confirmed within this time is an error


class DocumentProducer:
    """Sends documents to `news` and `comments`; leaving the `with` block waits for the last confirmation.

    A document's key is its id, so that its partition depends on the id alone and repetitions of it stay in order.

    Raises:
        StreamError: no broker answers, a topic is missing, or (from any later call) a send has failed.
    """

    def __init__(
        self, connection: KafkaConnection, names: TopicNames, delivery_seconds: float = DELIVERY_SECONDS
    ) -> None:
        require_topics(connection, [names.news, names.comments])
        self._connection = connection
        self._names = names
        self._delivery_seconds = delivery_seconds
        self._room = threading.Condition()
        self._unconfirmed_bytes = 0
        self._sent = 0
        self._error: Exception | None = None
        self._producer = KafkaProducer(
            **connection.client_options(),
            bootstrap_timeout_ms=int(CONNECT_SECONDS * 1000),
            max_block_ms=int(CONNECT_SECONDS * 1000),
            allow_auto_create_topics=False,
            acks="all",
            enable_idempotence=True,
            linger_ms=20,
            batch_size=2**16,
            # The default is 30 s: a broker that is back after a restart would be found too late.
            reconnect_backoff_max_ms=int(delivery_seconds * 1000 / 15),
            request_timeout_ms=int(delivery_seconds * 1000 / 3),  # so that a lost request is retried
            delivery_timeout_ms=int(delivery_seconds * 1000),
        )

    @property
    def sent(self) -> int:
        """How many documents are confirmed."""
        return self._sent

    def send(self, stream: str, document: bytes, key: str, timestamp_ms: int | None = None) -> None:
        """Queue one document for a stream; blocks while MAX_UNCONFIRMED_BYTES are unconfirmed.

        Args:
            stream: `news` or `comments`.
            document: JSON of at most MAX_DOCUMENT_BYTES.
            key: the document's id.
            timestamp_ms: event time in milliseconds since 1970; None: the time of sending.
        """
        with self._room:
            self._room.wait_for(
                lambda: self._unconfirmed_bytes < MAX_UNCONFIRMED_BYTES or self._error is not None
            )
            self._raise_error()
            self._unconfirmed_bytes += len(document)
        try:
            future = self._producer.send(
                self._names.input(stream), document, key=key.encode(), timestamp_ms=timestamp_ms
            )
        except KafkaError as error:
            raise StreamError(f"Kafka at {self._connection} does not accept documents: {error}") from error
        future.add_callback(self._confirmed, len(document))
        future.add_errback(self._failed, len(document))

    def flush(self) -> None:
        """Wait until everything is confirmed."""
        with self._room:
            self._raise_error()
        try:
            self._producer.flush(timeout=self._delivery_seconds + CONNECT_SECONDS)
        except KafkaError as error:
            raise StreamError(f"Kafka at {self._connection} does not confirm documents: {error}") from error
        with self._room:
            self._raise_error()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self.flush()
        finally:
            # After an error, records may still wait for a broker that does not answer.
            with suppress(KafkaError):
                self._producer.close(timeout=1)

    def _confirmed(self, size: int, _: object) -> None:  # called in the producer's thread, like _failed
        with self._room:
            self._sent += 1
            self._unconfirmed_bytes -= size
            self._room.notify()

    def _failed(self, size: int, error: Exception) -> None:
        with self._room:
            self._error = self._error or error
            self._unconfirmed_bytes -= size
            self._room.notify()

    def _raise_error(self) -> None:
        if self._error is not None:
            raise StreamError(f"Kafka at {self._connection} did not accept a document: {self._error}")
