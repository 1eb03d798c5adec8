"""A file of JSON lines as a feed: its first lines are history, later ones are live; a second start continues."""

import json
import threading
from pathlib import Path

import pytest
from document_producer_fake import FakeProducer
from waiting import wait_until

from bearwatch.core.times import utc
from stream.errors import StreamError
from stream.ingest.feeds import FileFeed, NewestMs

NOW = 1_790_000_000.0
PUBLISHED_MS = 1767225600000


def line(number: int, published_at: str = "2026-01-01T00:00:00Z") -> str:
    content = {
        "id": str(number),
        "text": "Oil falls",
        "published_at": published_at,
        "source": "w",
        "stream": "news",
    }
    return json.dumps(content) + "\n"


def feed(producer: FakeProducer, file: Path, newest_ms: NewestMs = lambda _: None) -> FileFeed:
    return FileFeed(producer, newest_ms, file.parent / "feed.json", file, lambda *_: None)


def test_a_file_is_history_first_and_live_when_it_grows(tmp_path: Path):
    file, producer, rejected = tmp_path / "feed.jsonl", FakeProducer(), []
    file.write_text(line(1) + "{broken\n" + line(2).strip())
    first = FileFeed(
        producer, lambda _: None, tmp_path / "feed.json", file, lambda *each: rejected.append(each)
    )
    assert first.catch_up(NOW) == 2
    assert producer.timestamps == [PUBLISHED_MS] * 2
    assert [number for number, _ in rejected] == [2]

    with file.open("a") as growing:
        growing.write("\n" + line(3) + line(4)[:20])
    stop = threading.Event()
    thread = threading.Thread(target=first.follow, args=(stop,))
    thread.start()
    wait_until("the new line is sent", lambda: producer.sent >= 3)
    stop.set()
    thread.join()
    assert producer.keys == ["1", "2", "3"], "half a line waits for its end"
    assert producer.timestamps[-1] is None, "live"

    with file.open("a") as growing:
        growing.write(line(4)[20:])
    second = feed(producer, file, lambda _: 1)
    assert second.catch_up(NOW + 60) == 1, (
        "a line appended between two starts is live, and nothing is sent again"
    )
    assert producer.timestamps[-1] is None


def test_a_data_directory_belongs_to_one_feed(tmp_path: Path):
    one, other = tmp_path / "one.jsonl", tmp_path / "other.jsonl"
    one.write_text(line(1))
    feed(FakeProducer(), one).catch_up(NOW)
    with pytest.raises(StreamError, match=r"belongs to the feed .*one\.jsonl.* use another --data-dir"):
        feed(FakeProducer(), other)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"\xff",
        b"[" * 10_000,
        b'{"feed": "f", "started": 0, "sent_until": -1}',
        b'{"feed": "f", "started": 0, "sent_until": 1e300}',
        b'{"feed": "f", "started": -1e300, "sent_until": 0}',
        b'{"feed": "f", "started": 0, "sent_until": 0, "lines": -5}',
    ],
)
def test_damaged_progress_is_an_error(content: bytes, tmp_path: Path):
    (tmp_path / "feed.json").write_bytes(content)
    with pytest.raises(StreamError, match=r"feed\.json: the feed's progress cannot be read"):
        feed(FakeProducer(), tmp_path / "feed.jsonl")


def test_an_interrupted_history_continues_as_history(tmp_path: Path):
    file = tmp_path / "feed.jsonl"
    file.write_text("".join(line(number) for number in range(12_000)))
    with pytest.raises(KeyboardInterrupt):
        feed(FakeProducer(interrupt_after=7000), file).catch_up(NOW)
    rest = FakeProducer()
    feed(rest, file, lambda _: 10**15).catch_up(NOW)
    assert rest.keys == [str(number) for number in range(5000, 12_000)]
    assert set(rest.timestamps) == {PUBLISHED_MS}


def test_an_interruption_loses_no_line_that_was_read_ahead(tmp_path: Path):
    """Where lines are hours apart, a thousand are read before one is sent; the progress counts those sent."""
    file = tmp_path / "feed.jsonl"
    hours = (utc(1_700_000_000 + 3600 * number).isoformat() for number in range(6000))
    file.write_text("".join(line(number, published_at) for number, published_at in enumerate(hours)))
    with pytest.raises(KeyboardInterrupt):
        feed(FakeProducer(interrupt_after=4500), file).catch_up(NOW)
    rest = FakeProducer()
    feed(rest, file).catch_up(NOW)
    assert rest.keys == [str(number) for number in range(6000)]
    last = FakeProducer()
    assert feed(last, file).catch_up(NOW) == 0


def test_a_file_that_shrank_or_vanished_is_an_error(tmp_path: Path):
    file = tmp_path / "feed.jsonl"
    file.write_text(line(1))
    feed(FakeProducer(), file).catch_up(NOW)
    file.write_text("")
    with pytest.raises(StreamError, match="shorter"):
        feed(FakeProducer(), file).catch_up(NOW)
    file.unlink()
    with pytest.raises(StreamError, match="cannot be read"):
        feed(FakeProducer(), file).catch_up(NOW)
