"""The feeds of `up`: history once, then the present; a second start goes on where the first stopped."""

import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from waiting import wait_until

from bearwatch.sample import HISTORY_SECONDS
from bearwatch.sample.live import SampleFeed
from stream.errors import StreamError
from stream.ingest.feeds import FileFeed

NOW = 1_790_000_000.0


class Sent:
    """Stands for DocumentProducer: keeps what it is given."""

    def __init__(self) -> None:
        self.documents: list[tuple[str, dict[str, Any], str, int | None]] = []

    @property
    def sent(self) -> int:
        return len(self.documents)

    def send(self, stream: str, document: bytes, key: str, timestamp_ms: int | None = None) -> None:
        self.documents.append((stream, json.loads(document), key, timestamp_ms))

    def flush(self) -> None: ...


def sample(sender: Sent, path: Path, now: float, newest: int | None = None) -> SampleFeed:
    return SampleFeed(sender, lambda _: newest, path / "feed.json", seed=7, now=now)


def test_the_sample_feed_fills_in_four_days_once(tmp_path: Path):
    sender = Sent()
    assert sample(sender, tmp_path, NOW).catch_up(NOW) == sender.sent > 3000
    stamps = [stamp for *_, stamp in sender.documents]
    assert stamps == sorted(stamps) and stamps[0] >= (NOW - HISTORY_SECONDS) * 1000

    again = Sent()
    sample(again, tmp_path, NOW + 60).catch_up(NOW + 60)
    assert 0 < again.sent < 100, "a minute of the surge, no second back-fill"
    assert not {key for _, _, key, _ in sender.documents} & {key for _, _, key, _ in again.documents}


def test_the_sample_feed_goes_on_live(tmp_path: Path):
    sender, stop = Sent(), threading.Event()
    feed = sample(sender, tmp_path, time.time() - 30)
    feed.catch_up(time.time() - 30)
    before, started = sender.sent, time.time()
    thread = threading.Thread(target=feed.follow, args=(stop,))
    thread.start()
    wait_until("a document is sent", lambda: sender.sent > before)
    stop.set()
    thread.join()
    assert started - 1 <= sender.documents[-1][3] / 1000 <= time.time(), "stamped when it was sent"


def test_the_sample_feed_does_not_mix_with_records_of_others(tmp_path: Path):
    with pytest.raises(StreamError, match="--prefix"):
        sample(Sent(), tmp_path, NOW, newest=1).catch_up(NOW)


def line(number: int, published: str = "2026-01-01T00:00:00Z") -> str:
    content = {
        "id": str(number),
        "text": "Oil falls",
        "published_at": published,
        "source": "w",
        "stream": "news",
    }
    return json.dumps(content) + "\n"


def test_a_file_is_history_first_and_live_when_it_grows(tmp_path: Path):
    file, sender, refused = tmp_path / "feed.jsonl", Sent(), []
    file.write_text(line(1) + "{broken\n" + line(2).strip())
    feed = FileFeed(sender, lambda _: None, tmp_path / "feed.json", file, lambda *each: refused.append(each))
    assert feed.catch_up(NOW) == 2
    assert [stamp for *_, stamp in sender.documents] == [1767225600000] * 2
    assert [number for number, _ in refused] == [2]

    with file.open("a") as growing:
        growing.write("\n" + line(3) + line(4)[:20])
    stop = threading.Event()
    thread = threading.Thread(target=feed.follow, args=(stop,))
    thread.start()
    wait_until("the new line is sent", lambda: sender.sent >= 3)
    stop.set()
    thread.join()
    assert [key for _, _, key, _ in sender.documents] == ["1", "2", "3"], "half a line waits for its end"
    assert sender.documents[-1][3] is None, "live"

    with file.open("a") as growing:
        growing.write(line(4)[20:])
    later = FileFeed(sender, lambda _: 1, tmp_path / "feed.json", file, lambda *each: refused.append(each))
    assert later.catch_up(NOW + 60) == 1, "what came while nobody read is live, and nothing is sent again"


def test_a_data_directory_belongs_to_one_feed(tmp_path: Path):
    sample(Sent(), tmp_path, NOW).catch_up(NOW)
    with pytest.raises(StreamError, match="another --data-dir"):
        FileFeed(Sent(), lambda _: None, tmp_path / "feed.json", tmp_path / "f.jsonl", print)


def test_damaged_progress_is_said(tmp_path: Path):
    (tmp_path / "feed.json").write_text("{")
    with pytest.raises(StreamError, match=r"feed\.json"):
        sample(Sent(), tmp_path, NOW)


class Stopped(Sent):
    """Breaks off after some documents, as Ctrl-C does."""

    def __init__(self, after: int) -> None:
        super().__init__()
        self.after = after

    def send(self, stream: str, document: bytes, key: str, timestamp_ms: int | None = None) -> None:
        if self.sent == self.after:
            raise KeyboardInterrupt
        super().send(stream, document, key, timestamp_ms)


def test_a_back_fill_that_was_broken_off_goes_on(tmp_path: Path):
    broken = Stopped(2000)
    with pytest.raises(KeyboardInterrupt):
        sample(broken, tmp_path, NOW).catch_up(NOW)
    rest = Sent()
    sample(rest, tmp_path, NOW + 1, newest=1).catch_up(NOW + 1)
    whole = Sent()
    other = tmp_path / "other"
    other.mkdir()
    sample(whole, other, NOW).catch_up(NOW)
    keys = {key for _, _, key, _ in broken.documents} | {key for _, _, key, _ in rest.documents}
    assert keys >= {key for _, _, key, _ in whole.documents}
    assert rest.sent < whole.sent - 1000, "only the last part is sent again"


def test_a_file_that_was_broken_off_goes_on_as_history(tmp_path: Path):
    file = tmp_path / "feed.jsonl"
    file.write_text("".join(line(number) for number in range(12_000)))
    broken = Stopped(7000)
    with pytest.raises(KeyboardInterrupt):
        FileFeed(broken, lambda _: None, tmp_path / "feed.json", file, print).catch_up(NOW)
    rest = Sent()
    FileFeed(rest, lambda _: 10**15, tmp_path / "feed.json", file, print).catch_up(NOW)
    assert [key for _, _, key, _ in rest.documents] == [str(number) for number in range(5000, 12_000)]
    assert {stamp for *_, stamp in rest.documents} == {1767225600000}


def test_a_file_that_shrank_or_vanished_is_said(tmp_path: Path):
    file = tmp_path / "feed.jsonl"
    file.write_text(line(1))
    FileFeed(Sent(), lambda _: None, tmp_path / "feed.json", file, print).catch_up(NOW)
    file.write_text("")
    with pytest.raises(StreamError, match="shorter"):
        FileFeed(Sent(), lambda _: None, tmp_path / "feed.json", file, print).catch_up(NOW)
    file.unlink()
    with pytest.raises(StreamError, match="cannot be read"):
        FileFeed(Sent(), lambda _: None, tmp_path / "feed.json", file, print).catch_up(NOW)
