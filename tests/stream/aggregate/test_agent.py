"""What is read from `classified`, and how it reaches the partitions."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from types import SimpleNamespace

import pytest
from messages import classified
from prometheus_client import CollectorRegistry

from alerting.monitoring.metrics import Metrics
from stream.aggregate.agent import AggregateAgent, decode, decode_or_skip
from stream.aggregate.changes import Changes
from stream.errors import StreamError
from stream.messages import TICK_KEY, Tick, encode

BROKER_CLOCK = 1000.0


@dataclass
class Message:
    key: bytes | None
    value: bytes | None
    timestamp: float = BROKER_CLOCK  # the broker sets it: LogAppendTime
    topic: str = "bearwatch.classified"
    partition: int = 2
    offset: int = 17


def test_messages_come_as_they_were_sent():
    document = classified(5.0)
    assert decode(Message(document.key.encode(), encode(document))) == document
    tick = Tick(source="news-0", offset=3, event_time=4.0)
    assert decode(Message(TICK_KEY, encode(tick))) == tick


@pytest.mark.parametrize(
    ("said", "taken"), [(BROKER_CLOCK - 2, BROKER_CLOCK - 2), (BROKER_CLOCK + 3600, BROKER_CLOCK)]
)
def test_a_worker_whose_clock_is_ahead_does_not_close_panes(said: float, taken: float):
    tick = Tick(source="news-0", offset=3, event_time=4.0, clock=said)
    assert decode(Message(TICK_KEY, encode(tick))) == Tick(
        source="news-0", offset=3, event_time=4.0, clock=taken
    )
    tick = Tick(source="news-0", offset=3, event_time=said)
    assert decode(Message(TICK_KEY, encode(tick))) == Tick(source="news-0", offset=3, event_time=taken)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"news/topic:Macro", b"no json"),
        (b"news/topic:Macro", b"{}"),
        (b"news/topic:Macro", None),
        (TICK_KEY, encode(Tick(source="news-0", offset=3, event_time=4.0)).replace(b":1}", b":2}")),
        (TICK_KEY, encode(Tick(source="news-0", offset=3, event_time=1e300))),
        (TICK_KEY, b'{"a":' + b"[" * 5000),
        (b"key", encode(classified(5.0)).replace(b"news/topic:", b"news/")),
        (b"key", encode(classified(-5.0))),
        (b"key", encode(classified(5.0, offset=2**63))),
    ],
)
def test_a_foreign_message_is_named(key: bytes, value: bytes | None):
    with pytest.raises(StreamError, match="classified partition 2, offset 17: not a message of this release"):
        decode(Message(key, value))


GARBAGE = {
    "no JSON": (b"news/topic:Macro", b"\xff\x00"),
    "no value": (b"news/topic:Macro", None),
    "no key": (None, b"{}"),
    "an array": (b"", b"[1, 2]"),
    "nested": (TICK_KEY, b"[" * 100_000),
    "a tick without a source": (TICK_KEY, b'{"schema_version":1}'),
    "a version that is no number": (TICK_KEY, b'{"schema_version":"2"}'),
    "a version beyond any": (TICK_KEY, b'{"schema_version":' + b"9" * 5000 + b"}"),
}


@pytest.mark.parametrize(("key", "value"), GARBAGE.values(), ids=GARBAGE)
def test_what_no_worker_wrote_is_passed_over_and_said(
    key: bytes | None, value: bytes | None, caplog: pytest.LogCaptureFixture
):
    assert decode_or_skip(Message(key, value)) is None
    assert "passed over: bearwatch.classified partition 2, offset 17" in caplog.text
    assert len(caplog.text) < 1000


def test_a_message_of_another_release_ends_the_worker():
    """It counts something: passed over, counts would be wrong."""
    tick = encode(Tick(source="news-0", offset=3, event_time=4.0)).replace(b":1}", b":2}")
    with pytest.raises(StreamError, match="was it written by another one"):
        decode_or_skip(Message(TICK_KEY, tick))


def test_what_was_counted_before_is_said_with_what_it_may_mean(caplog: pytest.LogCaptureFixture):
    made = agent({})
    made._observe(Changes(repeated=[classified(5.0, offset=3), classified(6.0, offset=4)]), now=10.0)
    assert "partition 0, offset 4: not counted" in caplog.text and "Was the topic recreated?" in caplog.text
    assert len(caplog.records) == 1
    assert made.metrics.repeated_documents.labels("news")._value.get() == 2


class Task:
    """Stands for PartitionTask: notes what it is given, once its state is read."""

    def __init__(self) -> None:
        self.ready = asyncio.Event()
        self.applied: list[int] = []

    async def apply(self, batch: list[tuple[int, int, object]], now: float) -> Changes:
        await self.ready.wait()
        self.applied += [offset for _, offset, _ in batch]
        return Changes()


def event(partition: int, offset: int) -> SimpleNamespace:
    tick = encode(Tick(source="news-0", offset=offset, event_time=1.0))
    message = SimpleNamespace(
        topic="c",
        partition=partition,
        offset=offset,
        fetched_from=offset,
        key=TICK_KEY,
        value=tick,
        timestamp=BROKER_CLOCK,
    )
    return SimpleNamespace(message=message)


def agent(tasks: dict[int, Task]) -> AggregateAgent:
    metrics = Metrics(CollectorRegistry(), topics=(), sentiments=(), dead_letter_reasons=())
    ready = asyncio.Event()
    ready.set()
    return AggregateAgent(tasks, ready, metrics, since=0.0)  # type: ignore[arg-type]


def test_a_partition_that_reads_its_state_does_not_stop_another():
    async def run() -> None:
        recovering, serving = Task(), Task()
        serving.ready.set()
        applied = asyncio.Event()

        async def events() -> AsyncIterator[SimpleNamespace]:
            for offset in range(5000):
                yield event(0, offset)
                yield event(1, offset)
            await applied.wait()

        working = asyncio.create_task(agent({0: recovering, 1: serving}).run(events()))
        async with asyncio.timeout(120):
            while len(serving.applied) < 5000:
                await asyncio.sleep(0.01)
        assert recovering.applied == []
        recovering.ready.set()
        applied.set()
        await working
        assert recovering.applied == serving.applied == list(range(5000)), "all of them, in order"

    asyncio.run(run())


def test_what_a_task_raises_ends_the_agent_as_it_is():
    class Broken(Task):
        async def apply(self, batch: object, now: float) -> Changes:
            raise StreamError("fenced")

    async def run() -> None:
        broken = Broken()
        broken.ready.set()

        async def events() -> AsyncIterator[SimpleNamespace]:
            yield event(0, 0)
            await asyncio.Event().wait()

        with pytest.raises(StreamError, match="fenced"):
            await agent({0: broken}).run(events())

    asyncio.run(run())
