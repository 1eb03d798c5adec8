"""How ingested records are stamped: live, as history, or as a replay.

Live and replayed records are stamped when they are sent. History is stamped with `published_at` and has to be
in its order: a topic must not hold anything newer, and a line more than ORDER_SLACK older than one before it
is refused. (Panes stay open that long after the watermark, so what is less out of order still counts.)
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from stream.errors import StreamError
from stream.messages import BadDocument

ORDER_SLACK = timedelta(minutes=10)
MAX_FUTURE = timedelta(minutes=5)  # further ahead, a worker would take the record for one with a wrong clock
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Entry:
    """One line that can be sent."""

    stream: str
    id: str
    published_at: datetime
    document: bytes


TimestampAssigner = Callable[[Entry], int | None]  # milliseconds; None is the moment of sending


def live_timestamp(entry: Entry) -> None:
    """Event time is the moment of sending, whatever the document says."""


class HistoryTimestamps:
    """Stamps with `published_at`.

    Args:
        newest_ms: the largest timestamp that a stream's topic holds; None when it is empty.
        now: the latest acceptable moment is MAX_FUTURE after it.
    """

    def __init__(self, newest_ms: Callable[[str], int | None], now: datetime) -> None:
        self._newest_ms = newest_ms
        self._latest = now + MAX_FUTURE
        self._checked: set[str] = set()
        self._seen = EPOCH

    def __call__(self, entry: Entry) -> int:
        published = entry.published_at.isoformat()
        if entry.published_at > self._latest:
            raise BadDocument(f"published_at {published} is in the future")
        if entry.published_at < EPOCH:
            raise BadDocument(f"published_at {published} is before 1970, where Kafka's clock begins")
        if entry.published_at < self._seen - ORDER_SLACK:
            raise BadDocument(
                f"published_at {published} is more than 10 min before an earlier line's "
                f"({self._seen.isoformat()}); sort history by published_at"
            )
        timestamp_ms = (entry.published_at - EPOCH) // timedelta(milliseconds=1)
        if entry.stream not in self._checked:
            self._require_older(entry.stream, timestamp_ms)
        self._seen = max(self._seen, entry.published_at)
        return timestamp_ms

    def _require_older(self, stream: str, first_ms: int) -> None:
        newest = self._newest_ms(stream)
        if newest is not None and newest > first_ms:
            raise StreamError(
                f"{stream} already holds records up to {_iso(newest)}, later than this history's first "
                f"({_iso(first_ms)}); history goes in before anything newer: send it under another --prefix"
            )
        self._checked.add(stream)


class ReplayTimestamps:
    """Keeps the gaps of `published_at`, `speed` times as fast; stamps with the moment of sending."""

    def __init__(
        self,
        speed: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._speed = speed
        self._clock = clock
        self._sleep = sleep
        self._start: tuple[datetime, float] | None = None

    def __call__(self, entry: Entry) -> None:
        if self._start is None:
            self._start = (entry.published_at, self._clock())
        published, started = self._start
        due = started + (entry.published_at - published).total_seconds() / self._speed
        self._sleep(max(0.0, due - self._clock()))


def _iso(milliseconds: int) -> str:
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat()
