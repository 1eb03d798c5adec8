"""State stays small: what a story costs beyond the longest window."""

import asyncio
import gc
import random
import time
import tracemalloc

import pytest
from messages import classified

from alerting.detection.policy import load_policy
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.state import PartitionState, load
from stream.messages import Tick

START = 1_800_000_000
STORIES, KEYS = 20_000, 10
HOURS = 40.0  # of the 48 that a story is remembered, before the longest window begins
MOST_BYTES = 150


def archived_log() -> dict[bytes, bytes]:
    """What `state` holds of so many stories, each in a minute of its own, all behind the longest window."""
    rng = random.Random(1)
    aggregator = Aggregator(load_policy(), "test", ["news-0"])
    log: dict[bytes, bytes] = {}
    for number in range(STORIES):
        at = START + number * HOURS * 3600 / STORIES
        message = classified(
            at, offset=number, story=f"{rng.getrandbits(64):016x}", topic=f"T{number % KEYS}"
        )
        aggregator.apply(message, at)
        if number % 500 == 499:
            behind = 6.2 * 3600 if number == STORIES - 1 else 0.0
            aggregator.apply(Tick(source="news-0", offset=number, event_time=at + behind), at)
            for key, value in aggregator.take_changes().records.items():
                if value is None:
                    log.pop(key, None)
                else:
                    log[key] = value
    return log


def restored(log: dict[bytes, bytes]) -> Aggregator:
    state = PartitionState()
    for key, value in log.items():
        load(state, key, value)
    return Aggregator(load_policy(), "test", ["news-0"], state)


@pytest.fixture(scope="module")
def log() -> dict[bytes, bytes]:
    return archived_log()


def test_a_story_behind_the_longest_window_is_two_numbers(log: dict[bytes, bytes]):
    gc.collect()
    tracemalloc.start()
    aggregator = restored(log)
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert aggregator.stories == STORIES
    assert held / STORIES <= MOST_BYTES
    assert all(not key.panes.minutes for key in aggregator.keys.values()), (
        "no pane, no evidence is kept of them"
    )


def test_the_garbage_collector_does_not_walk_stories(log: dict[bytes, bytes]):
    aggregator = restored(log)
    gc.collect()
    assert not any(gc.is_tracked(key.panes.stories.first) for key in aggregator.keys.values())


def test_the_event_loop_goes_on_while_state_is_built(log: dict[bytes, bytes]):
    """On a thread, a minute at a time: the longest stop of the loop is a small part of what the building takes."""

    async def run() -> tuple[float, float]:
        longest, started = 0.0, time.monotonic()
        loop = asyncio.get_running_loop()
        building = loop.run_in_executor(None, lambda: [restored(log) for _ in range(5)])
        before = started
        while not building.done():
            await asyncio.sleep(0.001)
            now = time.monotonic()
            longest, before = max(longest, now - before), now
        await building
        return longest, time.monotonic() - started

    longest, whole = asyncio.run(run())
    assert longest < whole / 2
