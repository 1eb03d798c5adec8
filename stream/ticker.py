"""Once a second: says how far the sources are, measures lag, and notes that the worker is alive."""

import asyncio
import time
from dataclasses import dataclass, field

from aiokafka import TopicPartition
from aiokafka.errors import KafkaError

from alerting.metrics import PartitionLag
from stream.assignment import Assignment
from stream.errors import StreamError
from stream.health import Health
from stream.lookup import Lookup
from stream.progress import ticks
from stream.publisher import Outbox, Publisher

EVERY_SECONDS = 1.0
ANSWER_SECONDS = 5.0  # a broker that takes longer did not answer
GAP_SECONDS = 30.0  # a message that does not come back in this time was lost on the way: start again


@dataclass
class Ticker:
    assignment: Assignment
    publisher: Publisher
    lookup: Lookup
    health: Health
    idle_after_seconds: float
    lags: list[PartitionLag] = field(default_factory=list)  # replaced as a whole: scrapes read it
    _last: tuple[int, ...] = ()

    async def run(self) -> None:
        """Tick until cancelled.

        Raises:
            StreamError: a partition of `classified` waits for a message that does not come.
        """
        while True:
            await asyncio.sleep(EVERY_SECONDS)
            self.health.beat = time.monotonic()
            self.health.assigned = self.assignment.known
            self.health.recovering = self.assignment.recovering
            if self.assignment.gap_seconds() > GAP_SECONDS:
                raise StreamError(f"a message of `classified` did not come again within {GAP_SECONDS:.0f} s")
            await self._tick()

    async def _tick(self) -> None:
        clock = time.time()  # read before the broker is asked, so that what it says holds at least until then
        positions = self.assignment.positions()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                ends = await self.lookup.ends(positions)
                at_end = {each: clock for each in self.assignment.progress if await self._at_end(each, ends)}
        except (KafkaError, TimeoutError, OSError):
            return  # `health.broker_seen` grows old
        self.health.broker_seen = time.monotonic()
        self._measure(positions, ends)
        outbox = Outbox(self.publisher)
        await outbox.ticks(ticks({each: self.assignment.progress[each] for each in at_end}, at_end))
        await outbox.confirmed()

    async def _at_end(self, partition: TopicPartition, ends: dict[TopicPartition, int]) -> bool:
        """Whether a source is idle and nothing but control records stands behind what was read."""
        progress, end = self.assignment.progress.get(partition), ends.get(partition)
        if progress is None or end is None or not progress.idle(time.monotonic(), self.idle_after_seconds):
            return False
        if progress.offset >= end:
            return True
        if progress.taken > progress.offset:
            return False  # the model works on the next ones
        return await self.lookup.first_from(partition, progress.offset, end) == end

    def _measure(self, positions: dict[TopicPartition, int], ends: dict[TopicPartition, int]) -> None:
        lags = {each: max(0, ends[each] - offset) for each, offset in positions.items()}
        self.lags = [PartitionLag(each.topic, each.partition, lag) for each, lag in lags.items()]
        reached = tuple(sorted(positions.values()))
        if reached != self._last or not any(lags.values()):
            self.health.progressed = time.monotonic()
        self._last = reached
        self.health.lag = sum(lags.values())
