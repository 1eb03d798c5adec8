"""The sample feed in Kafka: its history once, then live; a second start continues where the first one stopped."""

import threading
import time
from pathlib import Path

import pytest
from document_producer_fake import FakeProducer
from waiting import wait_until

from bearwatch.sample import HISTORY_SECONDS
from bearwatch.sample.live import SampleFeed
from stream.errors import StreamError

NOW = 1_790_000_000.0


def sample(producer: FakeProducer, folder: Path, now: float, newest_ms: int | None = None) -> SampleFeed:
    return SampleFeed(producer, lambda _: newest_ms, folder / "feed.json", seed=7, now=now)


def test_four_days_of_history_are_sent_once(tmp_path: Path):
    first = FakeProducer()
    assert sample(first, tmp_path, NOW).catch_up(NOW) == first.sent > 3000
    assert first.timestamps == sorted(first.timestamps)
    assert first.timestamps[0] >= (NOW - HISTORY_SECONDS) * 1000

    second = FakeProducer()
    sample(second, tmp_path, NOW + 60).catch_up(NOW + 60)
    assert 0 < second.sent < 100, "a minute of the surge, not the history again"
    assert not set(first.keys) & set(second.keys)


def test_live_documents_get_the_time_of_sending(tmp_path: Path):
    producer, stop = FakeProducer(), threading.Event()
    feed = sample(producer, tmp_path, time.time() - 30)
    feed.catch_up(time.time() - 30)
    before, started = producer.sent, time.time()
    thread = threading.Thread(target=feed.follow, args=(stop,))
    thread.start()
    wait_until("a document is sent", lambda: producer.sent > before)
    stop.set()
    thread.join()
    assert started <= producer.documents[-1].timestamp_ms / 1000 + 0.001 <= time.time() + 0.001


def test_it_does_not_mix_with_records_of_others(tmp_path: Path):
    with pytest.raises(StreamError, match=r"already holds records, .* use other topics with --prefix"):
        sample(FakeProducer(), tmp_path, NOW, newest_ms=1).catch_up(NOW)


def test_an_interrupted_history_continues(tmp_path: Path):
    interrupted = FakeProducer(interrupt_after=2000)
    with pytest.raises(KeyboardInterrupt):
        sample(interrupted, tmp_path, NOW).catch_up(NOW)
    rest = FakeProducer()
    sample(rest, tmp_path, NOW + 1, newest_ms=1).catch_up(NOW + 1)
    whole = FakeProducer()
    other = tmp_path / "other"
    other.mkdir()
    sample(whole, other, NOW).catch_up(NOW)
    assert {*interrupted.keys, *rest.keys} >= set(whole.keys)
    assert rest.sent < whole.sent - 1000, "only the last part is sent again"
