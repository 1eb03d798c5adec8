"""Once a second: says how far the sources are, measures lag, and notes that the broker answers."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from alerting.monitoring.state_collector import PartitionLag
from stream.classify.progress import SourceProgress, ticks
from stream.classify.result_producer import TickProducer
from stream.errors import StreamError
from stream.kafka.offsets import OffsetsClient
from stream.worker.assignment import Assignment
from stream.worker.health import Health
from stream.worker.inputs import InputPartitions

EVERY_SECONDS = 1.0
ANSWER_SECONDS = 5.0  # a broker that takes longer did not answer
OFFSET_GAP_SECONDS = 30.0  # a record that does not come again in this time was lost on the way: start again


@dataclass
class Ticker:
    assignment: Assignment
    producer: TickProducer
    offsets_client: OffsetsClient
    health: Health
    inputs: InputPartitions
    next_visible: Callable[[TopicPartition, int], int]  # the offset before which nothing is left to be read
    idle_after_seconds: float
    lags: list[PartitionLag] = field(default_factory=list)  # replaced as a whole: scrapes read it

    async def run(self) -> None:
        """Tick until cancelled.

        Raises:
            StreamError: a partition waits for a record that does not come.
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
                ends = await self.offsets_client.ends({*self.assignment.positions(), *waiting})
                idle = await self._idle()
        except (KafkaError, TimeoutError, OSError):
            return  # `health.broker_seen` grows old
        self.health.broker_seen = time.monotonic()
        self.health.unheld = len(unheld)
        self._measure(ends, waiting)
        await self.producer.send(ticks(idle, clock))

    async def _idle(self) -> dict[TopicPartition, SourceProgress]:
        """The sources that are idle and read to their end, with no transaction open on them: one that is committed
        later would bring documents older than the clock."""
        now = time.monotonic()
        idle = {
            each: task.progress
            for each, task in self.assignment.sources.items()
            if task.progress.idle(now, self.idle_after_seconds)
        }
        read = {each: self.next_visible(each, progress.offset) for each, progress in idle.items()}
        ends = await self.offsets_client.written_ends(idle)
        return {
            each: progress
            for each, progress in idle.items()
            if read[each] >= ends[each] and progress.position == progress.offset
        }

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
