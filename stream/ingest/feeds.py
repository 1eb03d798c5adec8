"""Feeds that go on after a stop where they were: what every feed does, and a file of JSON lines that may grow."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from threading import Event
from typing import IO, Protocol

import msgspec

from bearwatch.core.files import atomic_write
from stream.errors import StreamError
from stream.ingest.lines import ingest, numbered_lines
from stream.ingest.producer import DocumentProducer
from stream.ingest.timestamps import HistoryTimestamps, TimestampAssigner, live_timestamp

LIVE_SECONDS = 0.5  # between two looks for new documents
LIVE_BYTES = 2**24  # read at once of what was appended; far more than the longest line

PART_LINES = 5000  # sent before it is noted how far they go: a stop repeats no more

NewestMs = Callable[[str], int | None]  # the newest record of a stream's topic; None where it is empty


class Progress(msgspec.Struct):
    """How far a feed has come; kept in the data directory."""

    feed: str
    started: float  # Unix seconds: the sample world's anchor
    sent_until: float  # sample: Unix seconds; file: bytes
    lines: int = 0  # file: how many those bytes hold
    history: bool = True  # file: whether what comes next is still history


class Feed(Protocol):
    """Brings what lies in the past, then the present."""

    def catch_up(self, now: float) -> int:
        """Send everything older than `now`, stamped when it was published; returns how many documents."""
        ...

    def follow(self, stop: Event) -> None:
        """Send what comes, stamped at the moment of sending, until `stop` is set."""
        ...


class FileFeed:
    """JSON lines with a field `stream`: those there at the start are history, those appended later are live."""

    def __init__(
        self,
        sender: DocumentProducer,
        newest_ms: NewestMs,
        path: Path,
        file: Path,
        refuse: Callable[[int, str], None],
    ) -> None:
        self._sender = sender
        self._newest_ms = newest_ms
        self._path = path
        self._file = file
        self._refuse = refuse
        name = str(file.absolute())
        self._progress = read_progress(path, name) or Progress(name, time.time(), 0)

    def catch_up(self, now: float) -> int:
        before = self._sender.sent
        with self._open() as file:
            file.seek(int(self._progress.sent_until))
            self._send(file, self._stamp(now))
        self._progress.history = False
        write_progress(self._path, self._progress)
        return self._sender.sent - before

    def _stamp(self, now: float) -> TimestampAssigner:
        """What was appended while nobody read is live: the desk could not know it earlier."""
        if not self._progress.history:
            return live_timestamp
        begun = self._progress.sent_until > 0  # then the newer records are this file's own
        newest_ms: NewestMs = (lambda _: None) if begun else self._newest_ms
        return HistoryTimestamps(newest_ms, datetime.fromtimestamp(now, UTC))

    def _open(self) -> IO[bytes]:
        try:
            if self._file.stat().st_size < self._progress.sent_until:
                raise StreamError(
                    f"{self._file} is shorter than it was; a feed only grows, take another --data-dir"
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

    def _send(self, lines: IO[bytes], stamp: TimestampAssigner) -> None:
        ingest(self._noted(lines), None, stamp, self._sender, self._refuse)
        self._note(self._progress.lines, self._progress.sent_until)

    def _noted(self, lines: IO[bytes]) -> Iterator[tuple[int, bytes | None]]:
        """The lines with their numbers in the file; notes from time to time how far they are sent."""
        before, begin, done = self._progress.sent_until, lines.tell(), self._progress.lines
        for number, line in numbered_lines(lines):
            end = before + lines.tell() - begin
            yield done + number, line
            self._progress.lines, self._progress.sent_until = done + number, end
            if number % PART_LINES == 0:
                self._note(done + number, end)
        self._progress.sent_until = before + lines.tell() - begin

    def _note(self, lines: int, sent_until: float) -> None:
        self._sender.flush()
        self._progress.lines, self._progress.sent_until = lines, sent_until
        write_progress(self._path, self._progress)


def read_progress(path: Path, feed: str) -> Progress | None:
    """None before the first start.

    Raises:
        StreamError: the file is damaged, or tells of another feed.
    """
    if not path.exists():
        return None
    try:
        progress = msgspec.json.decode(path.read_bytes(), type=Progress)
    except msgspec.DecodeError as error:
        raise StreamError(f"{path}: how far the feed had come cannot be read ({error})") from None
    if progress.feed != feed:
        raise StreamError(
            f"{path.parent} was filled from the feed {progress.feed}, not {feed}; take another --data-dir"
        )
    return progress


def write_progress(path: Path, progress: Progress) -> None:
    """In one step: a kill leaves the old file or the new one."""
    atomic_write(path, msgspec.json.encode(progress))
