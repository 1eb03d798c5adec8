"""Holds one source partition: fences the worker that held it, commits results together with the partition's offset.

So every document has exactly one result that readers of committed records see, whatever model gave it:
1. one transactional producer per source partition, started before the partition's committed offset is read, ends
   that of the worker before, so that the offset read is the last one that can have been committed;
2. one transaction holds the results, ticks and dead letters of consecutive records and the offset behind them;
3. only the record at exactly the position is taken; what was taken is committed in that order or not at all.
"""

import asyncio
import time

from aiokafka import TopicPartition

from stream.classify.progress import SourceProgress, tick
from stream.classify.result_producer import ResultProducer, SendBatch


class SourceTask:
    """One partition of an input topic while this worker holds it."""

    def __init__(self, source: TopicPartition, producer: ResultProducer) -> None:
        self.source = source
        self.progress = SourceProgress(0, 0, 0.0)  # before `resume`
        self._producer = producer
        self._lock = asyncio.Lock()
        self._given_up = False

    async def fence(self) -> None:
        """From its return on nobody else can commit the partition's offset."""
        await self._producer.start()

    def resume(self, offset: int) -> None:
        """Everything below `offset` was committed before; call after `fence`."""
        self.progress = SourceProgress(offset, offset, time.monotonic())

    async def commit(self, batch: SendBatch) -> bool:
        """Commit what follows from the next records; False if the partition was given up: the next worker answers.

        Raises:
            StreamError: another worker has taken the partition over.
        """
        async with self._lock:
            if self._given_up:
                return False
            event_time = self.progress.latest(batch.event_time)
            await self._producer.commit(batch, tick(self.source, batch.offset, event_time))
            self.progress.advance(batch.offset, batch.event_time, time.monotonic())
            return True

    async def stop(self) -> None:
        """Give the partition up, after the transaction under way."""
        self._given_up = True
        async with self._lock:
            await self._producer.stop()
