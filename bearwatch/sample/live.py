"""The sample feed in Kafka: its history first, then the present. It goes on after a stop."""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event

from bearwatch.core.streams import STREAMS
from bearwatch.core.times import utc
from bearwatch.sample import HISTORY_SECONDS, SampleDocument, SampleWorld, documents
from stream.errors import StreamError
from stream.ingest.feeds import LIVE_SECONDS, NewestMs, Progress, read_progress, write_progress
from stream.ingest.producer import DocumentProducer
from stream.messages import Document, encode

PART_SECONDS = 6 * 3600.0  # of history sent before it is noted how far that is: a stop repeats no more


class SampleFeed:
    """Fictional news and comments: four days before the first start, then the present."""

    def __init__(
        self, sender: DocumentProducer, newest_ms: NewestMs, path: Path, seed: int, now: float
    ) -> None:
        self._sender = sender
        self._newest_ms = newest_ms
        self._path = path
        self._known = read_progress(path, "sample")
        self._progress = self._known or Progress("sample", now, now - HISTORY_SECONDS)
        self._world = SampleWorld(seed, self._progress.started)

    def catch_up(self, now: float) -> int:
        if self._known is None:
            self._require_empty()
            write_progress(self._path, self._progress)  # from here on the records are ours
        begin = max(self._progress.sent_until, now - HISTORY_SECONDS)  # a longer pause is not made up for
        count = 0
        while begin < now:
            end = min(now, begin + PART_SECONDS)
            count += self._send(begin, end, lambda document: int(document.published_at * 1000))
            begin = end
        return count

    def _require_empty(self) -> None:
        for stream in STREAMS:
            if self._newest_ms(stream) is not None:
                raise StreamError(
                    f"the topic of {stream} holds records already, and the sample feed would mix with them; "
                    "give it topics of its own with --prefix"
                )

    def follow(self, stop: Event) -> None:
        while not stop.wait(LIVE_SECONDS):
            now = time.time()
            self._send(self._progress.sent_until, now, partial(_at, int(now * 1000)))

    def _send(self, begin: float, end: float, stamp: Callable[[SampleDocument], int | None]) -> int:
        count = 0
        for document in documents(self._world, begin, end):
            self._sender.send(document.stream, encode(to_message(document)), document.id, stamp(document))
            count += 1
        self._sender.flush()
        self._progress.sent_until = end
        write_progress(self._path, self._progress)
        return count


def _at(milliseconds: int, _: SampleDocument) -> int:
    return milliseconds


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
