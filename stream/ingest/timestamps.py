"""Timestamp assigners: the Kafka timestamp (the event time) of an ingested document, live, as history, or in a replay.

Live and replayed records get the time of sending. Records of history get `published_at` and must be in its order: the
topic must not hold later records, and a line that is out of order by more than ORDER_SLACK is rejected. Of two lines
in the wrong order, the later one is out of order if the lines behind it go on where those before it ended.
"""

import time
from collections.abc import Callable
from datetime import datetime, timedelta

from stream.errors import StreamError
from stream.ingest.look_ahead import EPOCH, ORDER_SLACK, Entry, LookAhead
from stream.messages import BadDocument

MAX_FUTURE = timedelta(minutes=5)  # further ahead, a worker takes the record for one with a wrong clock

# Of an entry and the lines behind it: milliseconds since 1970; None: the time of sending.
TimestampAssigner = Callable[[Entry, LookAhead], int | None]


def live_timestamp(entry: Entry, following: LookAhead) -> None:
    """The event time is the time of sending, whatever the document says."""


class HistoryTimestamps:
    """The event time is `published_at`.

    Args:
        newest_ms: the largest timestamp of a stream's topic; None where the topic is empty.
        now: documents published more than MAX_FUTURE later are rejected.

    Raises (when called):
        BadDocument: `published_at` is in the future, before 1970 or out of order.
        StreamError: the topic holds records that are later than the first of this history.
    """

    def __init__(self, newest_ms: Callable[[str], int | None], now: datetime) -> None:
        self._newest_ms = newest_ms
        self._latest = now + MAX_FUTURE
        self._checked: set[str] = set()
        self._seen = EPOCH

    def __call__(self, entry: Entry, following: LookAhead) -> int:
        published = entry.published_at.isoformat()
        if entry.published_at > self._latest:
            raise BadDocument(f"published_at {published} is in the future")
        if entry.published_at < EPOCH:
            raise BadDocument(f"published_at {published} is before 1970, where Kafka's timestamps begin")
        if entry.published_at < self._seen - ORDER_SLACK:
            raise BadDocument(
                f"published_at {published} is more than 10 min before an earlier line's "
                f"({self._seen.isoformat()}); sort history by published_at"
            )
        if entry.published_at > self._seen + ORDER_SLACK and following.continues_below(
            self._seen - ORDER_SLACK, entry.published_at - ORDER_SLACK
        ):
            raise BadDocument(
                f"published_at {published} is more than 10 min after most of the lines behind it, which continue "
                "those before it; correct it, or sort history by published_at"
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
                f"{stream} already holds records up to {_iso(newest)}, later than the first of this history "
                f"({_iso(first_ms)}); history must be sent before anything newer: use another --prefix"
            )
        self._checked.add(stream)


class ReplayTimestamps:
    """The event time is the time of sending; waits as long as `published_at` says, `speed` times as fast."""

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

    def __call__(self, entry: Entry, following: LookAhead) -> None:
        if self._start is None:
            self._start = (entry.published_at, self._clock())
        published, started = self._start
        due = started + (entry.published_at - published).total_seconds() / self._speed
        self._sleep(max(0.0, due - self._clock()))


def _iso(milliseconds: int) -> str:
    return (EPOCH + timedelta(milliseconds=milliseconds)).isoformat()
