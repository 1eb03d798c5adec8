"""The file of the watch list is followed; what cannot be used is said, counted, and changes nothing."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry

from alerting.monitoring.metrics import Metrics
from stream.entities.watched import WatchedCompanies
from stream.worker.watch_list_refresh import follow_watch_list


def test_it_follows_the_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr("stream.worker.watch_list_refresh.REFRESH_SECONDS", 0.01)
    caplog.set_level("INFO", "bearwatch.worker")
    registry, path = CollectorRegistry(), tmp_path / "list.csv"
    path.write_text("id,names\nA,Harlech\n")
    watched = WatchedCompanies(path)
    metrics = Metrics(registry, topics=(), sentiments=(), dead_letter_reasons=())

    def value(name: str) -> float | None:
        return registry.get_sample_value(name)

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.01)

    async def run() -> None:
        following = asyncio.create_task(follow_watch_list(watched, metrics))
        await until(lambda: value("bearwatch_watched_companies") == 1)
        path.write_text("id,names\nA,\n")
        await until(lambda: value("bearwatch_rejected_watch_lists_total") == 1)
        assert len(watched.matcher.companies) == 1
        path.write_text("id,names\nA,Harlech\nB,Mervane\n")
        await until(lambda: value("bearwatch_watched_companies") == 2)
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following

    asyncio.run(run())
    assert "the watch list stays as it was" in caplog.text and "neither a name nor a ticker" in caplog.text
    assert f"watch list {watched.matcher.hash}: 2 companies" in caplog.text
