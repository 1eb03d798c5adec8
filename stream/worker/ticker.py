"""Once a second: says how far the sources are, measures lag, and notes that the broker answers."""

import asyncio
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from alerting.monitoring.state_collector import PartitionLag
from stream.classify.progress import tick
from stream.classify.result_producer import TickProducer
from stream.errors import StreamError
from stream.kafka.offsets import OffsetsClient
from stream.messages import Tick
from stream.worker.assignment import Assignment
from stream.worker.health import Health
from stream.worker.inputs import InputPartitions
from stream.worker.source_clocks import SourceClocks, Standing

EVERY_SECONDS = 1.0
ANSWER_SECONDS = 5.0  # a broker that takes longer did not answer
RECREATED_MEASUREMENTS = 5  # in a row, one a second: after a broker's restart an end may be old for a moment
OFFSET_GAP_SECONDS = 30.0  # a record that does not come again in this time was lost on the way: start again


@dataclass
class Ticker:
    assignment: Assignment
    producer: TickProducer
    offsets_client: OffsetsClient
    health: Health
    inputs: InputPartitions
    next_visible: Callable[[TopicPartition, int], int]  # the offset before which nothing is left to be read
    source_clocks: SourceClocks
    idle_after_seconds: float
    lags: list[PartitionLag] = field(default_factory=list)  # replaced as a whole: scrapes read it
    _beyond_end: int = 0  # measurements in a row that found a position behind the end of its partition

    async def run(self) -> None:
        """Tick until cancelled.

        Raises:
            StreamError: a partition waits for a record that does not come, or ends before it.
        """
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            self.health.assigned = self.assignment.known
            self.health.recovering = self.assignment.recovering
            if self.assignment.offset_gap_seconds() > OFFSET_GAP_SECONDS:
                raise StreamError(
                    f"a record that must come first did not come within {OFFSET_GAP_SECONDS:.0f} s"
                )
            await self._tick()

    async def _tick(self) -> None:
        clock = time.time()  # read before the broker is asked, so that what it says holds at least until then
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                unheld = await self.inputs.unheld()
                self.assignment.expect(self.inputs.known)
                waiting = await self.offsets_client.reached(unheld)
                held = self.assignment.positions()
                ends = await self.offsets_client.ends({*held, *waiting})
                ticks = await self._ticks(clock)
        except (KafkaError, TimeoutError, OSError):
            return  # `health.broker_seen` grows old
        self.health.broker_seen = time.monotonic()
        self.health.unheld = len(unheld)
        self._check_ends(held, ends)
        self._measure(ends, waiting)
        await self.producer.send(ticks)

    async def _ticks(self, clock: float) -> list[Tick]:
        """A tick of each source that the clock carries on. None of one with an open transaction: if that is committed
        later, it brings documents older than the clock."""
        now = time.monotonic()
        sources = {each: task.progress for each, task in self.assignment.sources.items()}
        idle = {each for each, progress in sources.items() if progress.idle(now, self.idle_after_seconds)}
        offsets = {each: progress.offset for each, progress in sources.items()}
        read = {each: self.next_visible(each, offset) for each, offset in offsets.items()}
        ends = await self.offsets_client.written_ends(sources)
        standings = {
            each: Standing(
                read[each],
                ends[each],
                each in idle and progress.position == offsets[each],
                progress.event_time,
            )
            for each, progress in sources.items()
        }
        carried = self.source_clocks.carry_on(standings, clock)
        return [tick(each, offsets[each], sources[each].event_time, until) for each, until in carried.items()]

    def _measure(self, ends: dict[TopicPartition, int], waiting: dict[TopicPartition, int]) -> None:
        owned = {
            each: self.next_visible(each, position)
            for each, position in self.assignment.positions().items()
            if each in ends
        }
        positions = waiting | owned
        lags = {each: max(0, ends[each] - position) for each, position in positions.items()}
        self.lags = [PartitionLag(each.topic, each.partition, lag) for each, lag in lags.items()]
        self.health.measured(positions, lags)

    def _check_ends(
        self, positions: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> None:
        """Raises StreamError where a partition is shorter than what was read of it: records up to there would be
        passed over. The positions are of before the ends were asked for."""
        beyond = [each for each, position in positions.items() if position > ends[each]]
        self._beyond_end = self._beyond_end + 1 if beyond else 0
        if self._beyond_end > RECREATED_MEASUREMENTS:
            place = beyond[0]
            raise StreamError(
                f"{place.topic} partition {place.partition} ends at {ends[place]}, but the next record to be read is "
                f"{positions[place]}: was the topic recreated?"
            )
