"""Micro-batches of an asynchronous iterator, closed by size or by the age of the oldest item; working ahead."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")


@dataclass(frozen=True)
class _End:
    """Stands in the queue behind the last item."""

    error: Exception | None = None  # the iterator's own


async def batches(items: AsyncIterator[Item], size: int, within_seconds: float) -> AsyncIterator[list[Item]]:
    """Group items in order.

    The pending `__anext__` is never cancelled, so no item is lost between two batches; what arrives while the
    caller works on a batch waits in a queue of at most `size`.
    """
    queue: asyncio.Queue[Item | _End] = asyncio.Queue(maxsize=size)
    pump = asyncio.create_task(_pump(items, queue))
    try:
        item = await queue.get()
        while not isinstance(item, _End):
            batch = [item]
            deadline = asyncio.get_running_loop().time() + within_seconds
            while (following := await _next(queue, deadline)) is not None:
                if isinstance(following, _End) or len(batch) == size:
                    break
                batch.append(following)
            yield batch
            item = await queue.get() if following is None else following
        if item.error is not None:
            raise item.error
    finally:
        pump.cancel()


async def _pump(items: AsyncIterator[Item], queue: asyncio.Queue[Item | _End]) -> None:
    end = _End()
    try:
        async for item in items:
            await queue.put(item)
    except Exception as error:
        end = _End(error)
    await queue.put(end)


async def _next(queue: asyncio.Queue[Item | _End], deadline: float) -> Item | _End | None:
    if not queue.empty():
        return queue.get_nowait()  # a timer for every item would cost more than the item
    try:
        async with asyncio.timeout_at(deadline):
            return await queue.get()
    except TimeoutError:
        return None


async def ahead(items: AsyncIterator[Item]) -> AsyncIterator[Item]:
    """The same items, in order; the next one is in the making while the caller works on one."""
    following = asyncio.ensure_future(anext(items, None))
    try:
        while (item := await following) is not None:
            following = asyncio.ensure_future(anext(items, None))
            yield item
    finally:
        following.cancel()
