"""Once a second: which sources are at their end, how large the lag is, and what a rebalance meanwhile may do."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from alerting.monitoring.state_collector import PartitionLag
from stream.classify.progress import SourceProgress
from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection
from stream.messages import Tick
from stream.settings import WorkerSettings
from stream.worker.health import Health
from stream.worker.source_clocks import SourceClocks
from stream.worker.ticker import OFFSET_GAP_SECONDS, RECREATED_MEASUREMENTS, Ticker

NEWS, COMMENTS = TopicPartition("news", 0), TopicPartition("comments", 0)
CLASSIFIED = TopicPartition("classified", 0)
IDLE_SECONDS = 5.0


@dataclass
class FakeProducer:
    sent: list[Tick] = field(default_factory=list)

    async def send(self, ticks: Iterable[Tick]) -> None:
        self.sent += ticks


@dataclass
class FakeOffsetsClient:
    """Up to where committed records can be read, where the partitions end, and what happens when it is asked."""

    at: dict[TopicPartition, int]
    # Where it differs: a transaction is open.
    written: dict[TopicPartition, int] = field(default_factory=dict)
    meanwhile: Callable[[], object] = lambda: None
    error: Exception | None = None

    async def ends(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        if self.error is not None:
            raise self.error
        return {place: self.at[place] for place in places}

    async def reached(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, 0)

    async def written_ends(self, places: Collection[TopicPartition]) -> dict[TopicPartition, int]:
        await asyncio.sleep(0)
        self.meanwhile()
        return {place: (self.at | self.written)[place] for place in places}


@dataclass
class FakeSource:
    progress: SourceProgress


@dataclass
class FakeAssignment:
    sources: dict[TopicPartition, FakeSource]
    owned: dict[TopicPartition, int] = field(default_factory=dict)
    known: bool = True
    recovering: int = 0
    gap: float = 0.0

    expected: set[TopicPartition] = field(default_factory=set)

    def expect(self, sources: Iterable[TopicPartition]) -> None:
        self.expected |= set(sources)

    def positions(self) -> dict[TopicPartition, int]:
        return {each: source.progress.offset for each, source in self.sources.items()} | self.owned

    def offset_gap_seconds(self) -> float:
        return self.gap


@dataclass
class FakeInputs:
    known: set[TopicPartition] = field(default_factory=set)
    without: set[TopicPartition] = field(default_factory=set)

    async def unheld(self) -> set[TopicPartition]:
        return self.without


def idle(offset: int, position: int | None = None, event_time: float | None = 1.0) -> FakeSource:
    moved = time.monotonic() - IDLE_SECONDS
    return FakeSource(SourceProgress(offset, offset if position is None else position, moved, event_time))


def ticker(assignment: Any, offsets_client: Any, invisible_to: Mapping[TopicPartition, int] = {}) -> Ticker:
    """`invisible_to`: up to where the consumer has looked and seen nothing."""

    def next_visible(place: TopicPartition, offset: int) -> int:
        return max(offset, invisible_to.get(place, 0))

    clocks = SourceClocks(IDLE_SECONDS)
    return Ticker(
        assignment, FakeProducer(), offsets_client, Health(), FakeInputs(), next_visible, clocks, IDLE_SECONDS
    )  # type: ignore[arg-type]


def sent_after_a_turn(made: Ticker) -> list[Tick]:
    asyncio.run(made._tick())
    return made.producer.sent  # type: ignore[attr-defined, no-any-return]


def test_a_source_at_its_end_and_idle_is_carried_on_by_the_clock():
    before = time.time()
    assignment = FakeAssignment({NEWS: idle(10), COMMENTS: idle(7)})
    made = ticker(assignment, FakeOffsetsClient({NEWS: 10, COMMENTS: 9}))
    (tick,) = sent_after_a_turn(made)
    assert (tick.source, tick.offset, tick.event_time) == ("news-0", 10, 1.0)
    assert tick.clock is not None and before <= tick.clock <= time.time()
    assert made.lags == [PartitionLag("news", 0, 0), PartitionLag("comments", 0, 2)]
    assert made.health.lag == 2


@pytest.mark.parametrize(
    "source",
    [
        FakeSource(SourceProgress(10, 10, time.monotonic() + 3600, 1.0)),  # it has just moved
        idle(7, position=10),  # the model works on the next ones
    ],
)
def test_a_busy_source_is_not_carried_on(source: FakeSource):
    assert sent_after_a_turn(ticker(FakeAssignment({NEWS: source}), FakeOffsetsClient({NEWS: 10}))) == []


def test_a_live_source_that_is_never_idle_is_carried_on():
    """Records with old timestamps came one after the other: nothing was evaluated as long as they did."""
    started = time.time()
    source = FakeSource(SourceProgress(10, 11, time.monotonic() + 3600, started - 20))
    offsets_client = FakeOffsetsClient({NEWS: 11})
    made = ticker(FakeAssignment({NEWS: source}), offsets_client)
    assert sent_after_a_turn(made) == [], "nothing is known of the end before"
    source.progress.offset, source.progress.position, offsets_client.at[NEWS] = 11, 12, 12
    (tick,) = sent_after_a_turn(made)
    assert (tick.offset, tick.event_time) == (11, source.progress.event_time)
    assert tick.clock is not None and started - IDLE_SECONDS <= tick.clock <= time.time() - IDLE_SECONDS
    assert len(sent_after_a_turn(made)) == 1, "12 was written by then, and is not read"


def test_control_records_count_as_read():
    assignment = FakeAssignment({NEWS: idle(7)}, {CLASSIFIED: 3})
    made = ticker(assignment, FakeOffsetsClient({NEWS: 10, CLASSIFIED: 4}), {NEWS: 10, CLASSIFIED: 4})
    assert [tick.source for tick in sent_after_a_turn(made)] == ["news-0"]
    assert made.health.lag == 0


def test_an_open_transaction_holds_the_clock_and_is_not_lag():
    """What is committed later is stamped earlier."""
    made = ticker(FakeAssignment({NEWS: idle(10)}), FakeOffsetsClient({NEWS: 10}, written={NEWS: 11}))
    assert sent_after_a_turn(made) == []
    assert made.health.lag == 0


def test_a_rebalance_meanwhile():
    """The sources are taken away while the broker is asked where they end."""
    assignment = FakeAssignment({NEWS: idle(10), COMMENTS: idle(10)}, {CLASSIFIED: 3})
    offsets_client = FakeOffsetsClient(
        {NEWS: 10, COMMENTS: 10, CLASSIFIED: 5}, meanwhile=assignment.sources.clear
    )
    made = ticker(assignment, offsets_client)
    assert [tick.source for tick in sent_after_a_turn(made)] == ["news-0", "comments-0"], (
        "what was read was read"
    )
    assert made.lags == [PartitionLag("classified", 0, 2)]


@pytest.mark.parametrize("error", [KafkaConnectionError(), TimeoutError(), OSError()])
def test_no_answer_is_noted_by_noting_nothing(error: Exception):
    made = ticker(FakeAssignment({NEWS: idle(10)}), FakeOffsetsClient({NEWS: 10}, error=error))
    seen = made.health.broker_seen
    assert sent_after_a_turn(made) == []
    assert made.health.broker_seen == seen


def test_a_gap_that_does_not_close_ends_the_worker(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("stream.worker.ticker.EVERY_SECONDS", 0.001)
    assignment = FakeAssignment({}, gap=OFFSET_GAP_SECONDS + 1, recovering=2)
    made = ticker(assignment, FakeOffsetsClient({}))
    with pytest.raises(StreamError, match="did not come within 30 s"):
        asyncio.run(made.run())
    assert (made.health.assigned, made.health.recovering) == (True, 2)


@pytest.mark.parametrize("place", [NEWS, CLASSIFIED])
def test_a_partition_that_stays_shorter_than_what_was_read_ends_the_worker(place: TopicPartition):
    """Its topic was recreated: what is in it below the position would be passed over."""
    assignment = FakeAssignment({NEWS: idle(10)}, {CLASSIFIED: 4})
    broker = FakeOffsetsClient({NEWS: 10, CLASSIFIED: 4} | {place: 3})
    made = ticker(assignment, broker)
    for _ in range(RECREATED_MEASUREMENTS):
        sent_after_a_turn(made)
    with pytest.raises(
        StreamError, match=f"{place.topic} partition 0 ends at 3, but the next .* was the topic"
    ):
        sent_after_a_turn(made)


def test_an_end_that_is_old_for_a_moment_ends_nobody():
    assignment = FakeAssignment({NEWS: idle(10)})
    broker = FakeOffsetsClient({NEWS: 3})
    made = ticker(assignment, broker)
    for turn in range(4 * RECREATED_MEASUREMENTS):
        broker.at[NEWS] = 10 if turn % RECREATED_MEASUREMENTS == 0 else 3
        sent_after_a_turn(made)


def test_records_that_no_worker_holds_are_lag():
    assignment = FakeAssignment({NEWS: idle(10)})
    made = ticker(assignment, FakeOffsetsClient({NEWS: 10, COMMENTS: 4}))
    made.inputs = FakeInputs({NEWS, COMMENTS}, {COMMENTS})  # type: ignore[assignment]
    assert [tick.source for tick in sent_after_a_turn(made)] == ["news-0"]
    assert made.lags == [PartitionLag("comments", 0, 4), PartitionLag("news", 0, 0)]
    assert assignment.expected == {NEWS, COMMENTS}
    assert (made.health.unheld, made.health.lag) == (1, 4)
    made.health.assigned = True
    state, reason = made.health.state(time.monotonic(), WorkerSettings(KafkaConnection("kafka:9092")))
    assert (state, reason) == ("starting", "1 partitions of the input topics are held by no worker yet")
