"""Micro-batches and working ahead: in order, closed by size or by age, and nothing is ever lost."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from stream.kafka.batches import ahead, batches

LONG = 60.0  # never reached
SHORT = 0.01  # for what may be reached at any time
QUITE_LONG = 2.0  # the machine may stop this process meanwhile, but not for so long
TURNS = 50  # of the event loop, more than anything that waits for no time needs


async def work() -> None:
    """The caller works: everything else that can go on does."""
    for _ in range(TURNS):
        await asyncio.sleep(0)


async def feed(queue: asyncio.Queue[int]) -> AsyncIterator[int]:
    while True:
        yield await queue.get()


async def numbers(count: int, error: Exception | None = None) -> AsyncIterator[int]:
    for number in range(count):
        yield number
    if error is not None:
        raise error


def collect(items: AsyncIterator[int], size: int, within_seconds: float) -> list[list[int]]:
    async def run() -> list[list[int]]:
        return [batch async for batch in batches(items, size, within_seconds)]

    return asyncio.run(run())


def test_size_closes_a_batch():
    assert collect(numbers(7), 3, LONG) == [[0, 1, 2], [3, 4, 5], [6]]
    assert collect(numbers(6), 3, LONG) == [[0, 1, 2], [3, 4, 5]]
    assert collect(numbers(2), 1, LONG) == [[0], [1]]


def test_no_items_give_no_batch():
    assert collect(numbers(0), 3, LONG) == []


def test_the_age_of_the_oldest_item_closes_a_batch():
    async def run() -> None:
        queue: asyncio.Queue[int] = asyncio.Queue()
        found = batches(feed(queue), 100, QUITE_LONG)
        for number in range(3):
            queue.put_nowait(number)
        assert await anext(found) == [0, 1, 2]
        queue.put_nowait(3)
        assert await anext(found) == [3]
        await found.aclose()

    asyncio.run(run())


def test_an_error_comes_after_the_items_before_it():
    async def run() -> None:
        found = batches(numbers(4, ValueError("no more")), 3, LONG)
        assert await anext(found) == [0, 1, 2]
        assert await anext(found) == [3]
        with pytest.raises(ValueError, match="no more"):
            await anext(found)

    asyncio.run(run())


def test_nothing_is_lost_or_reordered_whatever_the_timing():
    rng = random.Random(1)

    async def source() -> AsyncIterator[int]:
        for number in range(300):
            if rng.random() < 0.3:
                await asyncio.sleep(rng.uniform(0, 2 * SHORT))
            yield number

    async def run() -> list[int]:
        found = []
        async for batch in batches(source(), 7, SHORT):
            assert 1 <= len(batch) <= 7
            found += batch
            if rng.random() < 0.3:
                await asyncio.sleep(rng.uniform(0, 2 * SHORT))
        return found

    assert asyncio.run(run()) == list(range(300))


def test_what_waits_in_memory_is_bounded():
    taken = []

    async def source() -> AsyncIterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    async def run() -> None:
        found = batches(source(), 5, LONG)
        await anext(found)
        await work()
        assert len(taken) <= 5 + 1 + 5 + 1  # batch, the one that closed it, queue, in the pump's hands
        await found.aclose()

    asyncio.run(run())


def test_no_task_is_left_when_the_caller_stops():
    async def run() -> set[asyncio.Task[object]]:
        found = batches(numbers(1000), 5, LONG)
        await anext(found)
        await work()  # the queue is full
        await found.aclose()
        await work()
        return asyncio.all_tasks() - {asyncio.current_task()}

    assert asyncio.run(run()) == set()


def test_ahead_makes_one_item_more_and_keeps_the_order():
    made = []

    async def source() -> AsyncIterator[int]:
        for number in range(1, 6):
            made.append(number)
            yield number

    async def run() -> None:
        found = []
        async for number in ahead(source()):
            await work()
            found.append(number)
            assert made == list(range(1, min(number + 1, 5) + 1))
        assert found == [1, 2, 3, 4, 5]

    asyncio.run(run())


def test_ahead_gives_an_error_after_the_items_before_it():
    async def run() -> None:
        found = ahead(numbers(2, ValueError("no more")))
        assert [await anext(found), await anext(found)] == [0, 1]
        with pytest.raises(ValueError, match="no more"):
            await anext(found)

    asyncio.run(run())
