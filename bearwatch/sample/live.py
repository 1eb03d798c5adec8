"""Sends the sample feed to Kafka: its history first, then live. It continues after a stop."""

import time
from pathlib import Path
from threading import Event

from bearwatch.core.streams import STREAMS
from bearwatch.core.times import utc
from bearwatch.sample import HISTORY_SECONDS, SampleDocument, SampleWorld, documents
from stream.errors import StreamError
from stream.ingest.feeds import LIVE_SECONDS, NewestMs, Progress, read_progress, write_progress
from stream.ingest.producer import DocumentProducer
from stream.messages import Document, encode

# Of history sent between two writes of the progress; a stop repeats at most so much.
PART_SECONDS = 6 * 3600.0


class SampleFeed:
    """Fictional news and comments: four days of history before the first start, then live.

    Args:
        newest_ms: the largest timestamp of a stream's topic; None where the topic is empty.
        path: file of the progress.
        seed: of the sample world.
        now: Unix seconds; at the first start, the world's anchor.

    Raises:
        StreamError: the progress cannot be read or is of another feed.
    """

    def __init__(
        self, producer: DocumentProducer, newest_ms: NewestMs, path: Path, seed: int, now: float
    ) -> None:
        self._producer = producer
        self._newest_ms = newest_ms
        self._path = path
        self._known = read_progress(path, "sample")
        self._progress = self._known or Progress("sample", now, now - HISTORY_SECONDS)
        self._world = SampleWorld(seed, self._progress.started)

    def catch_up(self, now: float) -> int:
        """Send the documents up to `now`; raises StreamError if the topics hold records of something else."""
        if self._known is None:
            self._require_empty()
            write_progress(self._path, self._progress)  # from here on the topics' records are this feed's
        # After a longer pause the older documents are left out.
        begin = max(self._progress.sent_until, now - HISTORY_SECONDS)
        count = 0
        while begin < now:
            end = min(now, begin + PART_SECONDS)
            count += self._send(begin, end)
            begin = end
        return count

    def _require_empty(self) -> None:
        for stream in STREAMS:
            if self._newest_ms(stream) is not None:
                raise StreamError(
                    f"the topic of {stream} already holds records, and the fictional documents must not mix with "
                    "them; use other topics with --prefix"
                )

    def follow(self, stop: Event) -> None:
        """Send new documents with the time of sending, until `stop` is set."""
        while not stop.wait(LIVE_SECONDS):
            now = time.time()
            self._send(self._progress.sent_until, now, int(now * 1000))

    def _send(self, begin: float, end: float, timestamp_ms: int | None = None) -> int:
        """Send the documents of [begin, end) with that event time, or each with its own time of publication."""
        count = 0
        for document in documents(self._world, begin, end):
            at = int(document.published_at * 1000) if timestamp_ms is None else timestamp_ms
            self._producer.send(document.stream, encode(to_message(document)), document.id, at)
            count += 1
        self._producer.flush()
        self._progress.sent_until = end
        write_progress(self._path, self._progress)
        return count


def to_message(document: SampleDocument) -> Document:
    """A sample document as it is sent."""
    return Document(
        id=document.id,
        text=document.text,
        published_at=utc(document.published_at),
        source=document.source,
        url=document.url,
        title=document.title,
        author=document.author,
        tickers=list(document.tickers),
    )
