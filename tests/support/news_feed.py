"""Live news for a stack with the keyword model: neutral stories all the time, negative ones on demand."""

import json
import threading
import time
from types import TracebackType
from typing import Self

from keyword_model import TOPICS, WORDS

from bearwatch.core.times import utc
from stream.ingest.producer import DocumentProducer
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames

HISTORY_SECONDS = 3600.0  # the policy of minutes is warm after 12 minutes
HISTORY_EVERY_SECONDS = 12.0  # per topic
NEUTRAL_EVERY_SECONDS = 2.0
NEGATIVE_EVERY_SECONDS = 1.0  # per topic under surge: at once critical, so that nothing escalates


class NewsFeed:
    """Publishes from a thread until the `with` block ends; an error of the thread is raised then."""

    def __init__(self, connection: KafkaConnection) -> None:
        self._connection = connection
        self._surging: set[str] = set()
        self._number = 0
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.failure: Exception | None = None

    def __enter__(self) -> Self:
        with DocumentProducer(self._connection, TopicNames()) as producer:
            now = time.time()
            for step in range(int(HISTORY_SECONDS / HISTORY_EVERY_SECONDS)):
                at = now - HISTORY_SECONDS + step * HISTORY_EVERY_SECONDS
                for topic in TOPICS:
                    self._send(producer, topic, "negative" if step % 10 == 0 else "neutral", at)
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._thread.join(30)
        if self.failure is not None and kind is None:
            raise self.failure

    def begin(self, topic: str) -> None:
        """Publish negative stories about a topic from now on."""
        self._surging = self._surging | {topic}

    def end(self, topic: str) -> None:
        self._surging = self._surging - {topic}

    def _run(self) -> None:
        try:
            with DocumentProducer(self._connection, TopicNames()) as producer:
                turn = 0
                while not self._ended.wait(NEGATIVE_EVERY_SECONDS):
                    turn += 1
                    for topic in self._surging:
                        self._send(producer, topic, "negative", time.time())
                    if turn % round(NEUTRAL_EVERY_SECONDS / NEGATIVE_EVERY_SECONDS) == 0:
                        for topic in set(TOPICS) - self._surging:
                            self._send(producer, topic, "neutral", time.time())
        except Exception as error:
            self.failure = error

    def _send(self, producer: DocumentProducer, topic: str, sentiment: str, at: float) -> None:
        self._number += 1
        name = f"d{self._number}"
        document = {
            "id": name,
            "text": f"{WORDS[topic]} {sentiment} {self._number}",
            "published_at": utc(at).isoformat(),
            "source": f"wire-{self._number % 7}",
        }
        producer.send("news", json.dumps(document).encode(), name, int(at * 1000))
