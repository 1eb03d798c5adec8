"""Faust at the rim: a message is delivered at once where there is room, and waits as Faust's own does where not."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import InconsistentGroupProtocolError

from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection
from stream.settings import WorkerSettings
from stream.worker.faust_app import Consumer, Delivery, Transport, faust_app, refusal_of


class StandIn:
    """What `Consumer.wait_first` and Faust's own behind it need of a consumer."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self._stopped, self._crashed = asyncio.Event(), asyncio.Event()
        self.suspended = asyncio.Event()

    async def deliver(self, coroutine: Any) -> Any:
        waiter = Consumer.__new__(Consumer)
        waiter.loop, waiter._stopped, waiter._crashed = self.loop, self._stopped, self._crashed
        return await waiter.wait_first(coroutine, self.suspended.wait())


async def put(queue: asyncio.Queue[int], number: int) -> None:
    await queue.put(number)


def test_with_room_no_task_is_made():
    async def run() -> None:
        queue = asyncio.Queue[int](maxsize=1)
        before = len(asyncio.all_tasks())
        outcome = StandIn().deliver(put(queue, 1))
        with pytest.raises(StopIteration):  # it ends without having waited once
            outcome.send(None)
        assert queue.get_nowait() == 1
        assert len(asyncio.all_tasks()) == before

    asyncio.run(run())


def test_without_room_it_waits_and_continues():
    async def run() -> None:
        queue = asyncio.Queue[int](maxsize=1)
        stand_in = StandIn()
        await stand_in.deliver(put(queue, 1))
        second = asyncio.create_task(stand_in.deliver(put(queue, 2)))
        await asyncio.sleep(0)
        assert not second.done()
        assert queue.get_nowait() == 1
        assert not (await second).stopped
        assert queue.get_nowait() == 2

    asyncio.run(run())


def test_a_rebalance_ends_the_wait_and_the_delivery():
    ended = []

    async def endless(queue: asyncio.Queue[int]) -> None:
        try:
            await queue.put(2)
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise

    async def run() -> None:
        queue = asyncio.Queue[int](maxsize=1)
        queue.put_nowait(1)
        stand_in = StandIn()
        waiting = asyncio.create_task(stand_in.deliver(endless(queue)))
        await asyncio.sleep(0)
        stand_in.suspended.set()
        await waiting
        await asyncio.sleep(0)
        assert ended == ["cancelled"]
        assert queue.qsize() == 1  # the second was not delivered

    asyncio.run(run())


@pytest.mark.parametrize("waits_first", [False, True])
def test_an_error_of_the_delivery_is_the_callers(waits_first: bool):
    async def broken() -> None:
        if waits_first:
            await asyncio.sleep(0)
        raise LookupError("no such channel")

    async def run() -> None:
        with pytest.raises(LookupError, match="no such channel"):
            await StandIn().deliver(broken())

    asyncio.run(run())


def test_a_delivery_that_waits_twice_continues_twice():
    async def twice(seen: list[int]) -> None:
        for turn in range(2):
            await asyncio.sleep(0)
            seen.append(turn)

    async def run() -> None:
        seen = list[int]()
        delivery = Delivery(twice(seen))
        assert not delivery.done
        await delivery
        assert seen == [0, 1]

    asyncio.run(run())


def test_a_delivery_that_is_cancelled_may_wait_once_more_or_continue():
    seen = []

    async def tidy() -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            seen.append("tidied")

    async def run() -> None:
        waiting = asyncio.ensure_future(_awaited(Delivery(tidy())))
        await asyncio.sleep(0)
        waiting.cancel()
        await waiting
        assert seen == ["tidied"]

    async def _awaited(delivery: Delivery) -> None:
        await delivery

    asyncio.run(run())


def test_the_app_uses_it():
    async def nothing(*_: Any) -> None: ...

    app = faust_app(
        WorkerSettings(KafkaConnection("127.0.0.1:9")), {}, nothing, nothing, dict, dict, lambda _: None
    )
    assert isinstance(app.transport, Transport)
    assert app.transport.Consumer is Consumer


def test_faust_does_not_look_at_positions_that_may_not_be_known_yet():
    """It ended the worker when a partition was added a moment before: aiokafka asserts that it has a position."""

    class NothingKnown(Consumer):
        def __init__(self) -> None: ...

        def assignment(self) -> set[TopicPartition]:
            return {TopicPartition("news", 4)}

        def verify_event_path(self, now: float, tp: TopicPartition) -> None:
            raise AssertionError("position is not known")

    asyncio.run(NothingKnown().verify_all_partitions_active())


def test_a_worker_that_kafka_refuses_as_a_member_ends(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("stream.worker.faust_app.REFUSAL_SECONDS", 0)
    coordinator = SimpleNamespace(_pending_exception=None)
    app = SimpleNamespace(member=None, conf=SimpleNamespace(id="desk"))

    async def run() -> None:
        waiting = asyncio.create_task(refusal_of(app))  # type: ignore[arg-type]
        for member in (None, SimpleNamespace(_coordinator=None), SimpleNamespace(_coordinator=coordinator)):
            app.member = member
            for _ in range(3):
                await asyncio.sleep(0)
            assert not waiting.done()
        coordinator._pending_exception = InconsistentGroupProtocolError()
        with pytest.raises(StreamError, match="into the group desk: InconsistentGroupProtocolError"):
            await waiting

    asyncio.run(run())
