"""Once a second: says how far the sources are, measures lag, and notes that the broker answers."""

import asyncio
import time
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from alerting.monitoring.metrics import PartitionLag
from stream.classify.progress import SourceProgress, ticks
from stream.classify.result_producer import ResultProducer, SendBatch
from stream.errors import StreamError
from stream.kafka.offsets import OffsetsClient
from stream.worker.assignment import Assignment
from stream.worker.health import Health

EVERY_SECONDS = 1.0
ANSWER_SECONDS = 5.0  # a broker that takes longer did not answer
GAP_SECONDS = 30.0  # a record that does not come back in this time was lost on the way: start again


@dataclass
class Ticker:
    assignment: Assignment
    publisher: ResultProducer
    lookup: OffsetsClient
    health: Health
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
            if self.assignment.gap_seconds() > GAP_SECONDS:
                raise StreamError(f"a record that must come first did not come within {GAP_SECONDS:.0f} s")
            await self._tick()

    async def _tick(self) -> None:
        clock = time.time()  # read before the broker is asked, so that what it says holds at least until then
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                ends = await self.lookup.ends(self.assignment.positions())
                idle = {
                    each: progress
                    for each, progress in list(self.assignment.progress.items())
                    if each in ends and await self._at_end(each, progress, ends[each])
                }
        except (KafkaError, TimeoutError, OSError):
            return  # `health.broker_seen` grows old
        self.health.broker_seen = time.monotonic()
        self._measure(ends)
        outbox = SendBatch(self.publisher)
        await outbox.ticks(ticks(idle, dict.fromkeys(idle, clock)))
        await outbox.confirmed()

    async def _at_end(self, partition: TopicPartition, progress: SourceProgress, end: int) -> bool:
        """Whether a source is idle and nothing but control records stands behind what was read."""
        if not progress.idle(time.monotonic(), self.idle_after_seconds):
            return False
        if progress.offset >= end:
            return True
        if progress.taken > progress.offset:
            return False  # the model works on the next ones
        if await self.lookup.first_from(partition, progress.offset, end) < end:
            return False
        progress.skip(end)
        return True

    def _measure(self, ends: dict[TopicPartition, int]) -> None:
        positions = self.assignment.positions()
        lags = {each: max(0, end - positions[each]) for each, end in ends.items() if each in positions}
        self.lags = [PartitionLag(each.topic, each.partition, lag) for each, lag in lags.items()]
        self.health.measured(positions, lags)
