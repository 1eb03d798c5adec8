"""Feeds that continue after a stop where they ended: their protocol, and a file of JSON lines that may grow."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import IO, Annotated, Protocol

import msgspec

from bearwatch.core.decoding import decode_json
from bearwatch.core.files import atomic_write
from stream.errors import StreamError
from stream.ingest.lines import ingest, numbered_lines
from stream.ingest.producer import DocumentProducer
from stream.ingest.timestamps import HistoryTimestamps, TimestampAssigner, live_timestamp

LIVE_SECONDS = 0.5  # between two polls for new documents
LIVE_BYTES = 2**24  # of appended lines read at a time; far more than the longest line

PART_LINES = 5000  # sent between two writes of the progress; a stop repeats at most so many

NewestMs = Callable[[str], int | None]  # the newest record of a stream's topic; None where it is empty


class Progress(msgspec.Struct):
    """How far a feed has been sent; a JSON file in the data directory."""

    feed: str
    started: Annotated[float, msgspec.Meta(ge=0, le=1e11)]  # Unix seconds: the sample world's anchor
    sent_until: Annotated[float, msgspec.Meta(ge=0, le=2**53)]  # sample: Unix seconds; file: bytes
    lines: Annotated[int, msgspec.Meta(ge=0, le=2**53)] = 0  # file: how many those bytes hold
    history: bool = True  # file: whether what comes next is still history


class Feed(Protocol):
    """Sends the backlog, then follows new documents."""

    def catch_up(self, now: float) -> int:
        """Send everything older than `now` (Unix seconds) with its time of publication; returns how many documents."""
        ...

    def follow(self, stop: Event) -> None:
        """Send new documents with the time of sending, until `stop` is set."""
        ...


class FileFeed:
    """JSON lines with a field `stream`: the lines at the first start are history, lines appended later are live.

    Args:
        newest_ms: the largest timestamp of a stream's topic; None where the topic is empty.
        path: file of the progress.
        file: the JSON lines.
        reject: called with the number of a line that cannot be sent and the reason.

    Raises:
        StreamError: the progress cannot be read or is of another feed; from the methods, the file cannot be read or is
            shorter than it was.
    """

    def __init__(
        self,
        producer: DocumentProducer,
        newest_ms: NewestMs,
        path: Path,
        file: Path,
        reject: Callable[[int, str], None],
    ) -> None:
        self._producer = producer
        self._newest_ms = newest_ms
        self._path = path
        self._file = file
        self._reject = reject
        name = str(file.absolute())
        self._progress = read_progress(path, name) or Progress(name, time.time(), 0)
        self._saved_lines = self._progress.lines

    def catch_up(self, now: float) -> int:
        before = self._producer.sent
        with self._open() as file:
            file.seek(int(self._progress.sent_until))
            self._send(file, self._timestamp_assigner(now))
        self._progress.history = False
        write_progress(self._path, self._progress)
        return self._producer.sent - before

    def _timestamp_assigner(self, now: float) -> TimestampAssigner:
        """Lines that were appended while the feed did not run are live: nobody could read them earlier."""
        if not self._progress.history:
            return live_timestamp
        started = self._progress.sent_until > 0  # then the topic's records are this file's own
        newest_ms: NewestMs = (lambda _: None) if started else self._newest_ms
        return HistoryTimestamps(newest_ms, datetime.fromtimestamp(now, UTC))

    def _open(self) -> IO[bytes]:
        try:
            if self._file.stat().st_size < self._progress.sent_until:
                raise StreamError(
                    f"{self._file} is shorter than it was, but a feed may only grow; use another --data-dir"
                )
            return self._file.open("rb")
        except OSError as error:
            raise StreamError(f"{self._file}: the feed cannot be read ({error.strerror})") from None

    def follow(self, stop: Event) -> None:
        while not stop.wait(LIVE_SECONDS):
            with self._open() as file:
                file.seek(int(self._progress.sent_until))
                written = file.read(LIVE_BYTES)
            whole = written.rfind(b"\n") + 1  # a line that is still being written waits
            if whole or len(written) == LIVE_BYTES:
                self._send(BytesIO(written[: whole or None]), live_timestamp)

    def _send(self, lines: IO[bytes], assign_timestamp: TimestampAssigner) -> None:
        """Send the lines; the progress is that of the lines that were sent, which may be fewer than were read."""
        progress, begin = self._progress, lines.tell()
        before, done = progress.sent_until, progress.lines
        ends: deque[tuple[int, float]] = deque()  # of lines that were read: number, bytes up to its end

        def numbered() -> Iterator[tuple[int, bytes | None]]:
            for number, line in numbered_lines(lines):
                ends.append((done + number, before + lines.tell() - begin))
                yield done + number, line

        def handled() -> None:
            progress.lines, progress.sent_until = ends.popleft()
            if progress.lines >= self._saved_lines + PART_LINES:
                self._save()

        ingest(numbered(), None, assign_timestamp, self._producer, self._reject, handled)
        progress.sent_until = before + lines.tell() - begin
        self._save()

    def _save(self) -> None:
        self._producer.flush()
        write_progress(self._path, self._progress)
        self._saved_lines = self._progress.lines


def read_progress(path: Path, feed: str) -> Progress | None:
    """The progress in the file at `path`; None before the first start.

    Raises:
        StreamError: the file is damaged, or is about another feed.
    """
    if not path.exists():
        return None
    try:
        progress = decode_json(path.read_bytes(), Progress)
    except (OSError, msgspec.DecodeError) as error:
        raise StreamError(
            f"{path}: the feed's progress cannot be read ({error}); use another --data-dir"
        ) from None
    if progress.feed != feed:
        raise StreamError(
            f"{path.parent} belongs to the feed {progress.feed}, not {feed}; use another --data-dir"
        )
    return progress


def write_progress(path: Path, progress: Progress) -> None:
    """Write the progress atomically: after a kill the file is the old one or the new one."""
    atomic_write(path, msgspec.json.encode(progress))
