"""Event times of ingested documents: history gets `published_at` and must be in order, a replay keeps the pauses."""

from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from ingested import START, START_MS

from stream.errors import StreamError
from stream.ingest.look_ahead import Entry, LookAhead
from stream.ingest.timestamps import HistoryTimestamps, ReplayTimestamps
from stream.messages import BadDocument


def entry(seconds: float, stream: str = "news") -> Entry:
    return Entry(stream, "d", START + timedelta(seconds=seconds), b"{}")


def following(*seconds: float) -> LookAhead:
    """The lines behind an entry."""
    return LookAhead(iter([(0, entry(each)) for each in seconds]))


def test_history_gets_its_time_of_publication() -> None:
    history = HistoryTimestamps(
        {"news": None, "comments": START_MS}.__getitem__, now=START + timedelta(days=1)
    )
    assign = partial(history, following=following())
    assert assign(entry(0)) == START_MS
    assert assign(entry(900.5)) == START_MS + 900_500
    assert assign(entry(301)) == START_MS + 301_000  # less than ten minutes out of order
    assert assign(entry(300.5, "comments")) == START_MS + 300_500
    with pytest.raises(BadDocument, match="sort history by published_at"):
        assign(entry(300.4))
    with pytest.raises(BadDocument, match="in the future"):
        assign(entry(86_400 + 301))
    assert assign(entry(86_400 + 300)) == START_MS + 86_700_000
    with pytest.raises(BadDocument, match="before 1970"):
        assign(Entry("news", "d", datetime(1969, 12, 31, tzinfo=UTC), b"{}"))


def test_history_is_rejected_where_the_topic_holds_later_records() -> None:
    now = START + timedelta(days=1)
    with pytest.raises(StreamError, match=r"news already holds records up to 2025-03-01T12:00:00\.001"):
        HistoryTimestamps(lambda _: START_MS + 1, now)(entry(0), following())
    assert HistoryTimestamps(lambda _: START_MS, now)(entry(0), following()) == START_MS


def test_a_replay_keeps_the_pauses_at_its_speed() -> None:
    now, waits = 100.0, list[float]()

    def sleep(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        now += seconds

    assign = ReplayTimestamps(10, clock=lambda: now, sleep=sleep)
    for seconds in (0, 20, 20, 15, 50):
        assert assign(entry(seconds), following()) is None  # type: ignore[func-returns-value]
    assert waits == [0, 2, 0, 0, 3]
