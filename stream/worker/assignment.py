"""What this worker owns at the moment, and what happens when a rebalance changes it."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator

from aiokafka import TopicPartition

from alerting.alerts import Alert
from alerting.detection.policy import Policy
from alerting.monitoring.metrics import KeyReading
from stream.aggregate.partition import PartitionTask
from stream.aggregate.recovery import partitions_changed
from stream.classify.progress import source_name
from stream.classify.result_producer import ResultProducer
from stream.classify.source_task import SourceTask
from stream.errors import StreamError
from stream.kafka.offsets import OffsetsClient
from stream.kafka.topics import TopicNames
from stream.settings import WorkerSettings

log = logging.getLogger("bearwatch.worker")


class Assignment:
    """The source partitions and the partitions of `classified`, each with its task.

    Every rebalance gives everything back and takes it again: fencing and reading the state cost milliseconds,
    and nothing needs to be known of what another worker did meanwhile.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        policy: Policy,
        model: str,
        sources: Iterable[str],
        partitions: int,
        lookup: OffsetsClient,
        explain: Callable[[Alert], Awaitable[Alert]],
        fail: Callable[[BaseException], None],
    ) -> None:
        self.sources: dict[TopicPartition, SourceTask] = {}
        self.owners: dict[int, PartitionTask] = {}
        self.ready = asyncio.Event()  # cleared while the assignment changes
        self.known = False  # whether anything was ever assigned
        self._settings = settings
        self._policy = policy
        self._model = model
        self._source_names = list(sources)  # of all workers
        self._partitions = partitions  # of `classified`
        self._lookup = lookup
        self._explain = explain
        self._fail = fail
        self._classified = TopicNames(settings.prefix).classified
        self._state = TopicNames(settings.prefix).state
        self._starting: set[asyncio.Task[None]] = set()

    async def revoked(self, _: set[TopicPartition]) -> None:
        """Give everything back, after the transactions under way."""
        self.ready.clear()
        given_up: list[SourceTask | PartitionTask] = [*self.sources.values(), *self.owners.values()]
        self.sources.clear()
        self.owners.clear()
        if starting := list(self._starting):  # one that went on to start would fence its successor
            for task in starting:
                task.cancel()
            await asyncio.wait(starting)
        await asyncio.gather(*(task.stop() for task in given_up))

    async def assigned(self, partitions: set[TopicPartition]) -> None:
        """Take what was assigned: fence former owners, read state, find where the sources go on."""
        try:
            await self.revoked(set())  # Faust does not announce every loss
            await self._take_sources({each for each in partitions if each.topic != self._classified})
            for each in partitions:
                if each.topic == self._classified:
                    self._own(each.partition)
        except Exception as error:
            self._fail(error)
        log.info(
            "assigned: %s", ", ".join(sorted(f"{each.topic}-{each.partition}" for each in partitions)) or "-"
        )
        self.known = True
        self.ready.set()

    async def _take_sources(self, partitions: set[TopicPartition]) -> None:
        tasks = {
            each: SourceTask(each, ResultProducer(self._settings, each, self._partitions))
            for each in partitions
        }
        self.sources.update(tasks)
        await asyncio.gather(*(task.fence() for task in tasks.values()))
        for each, offset in (await self._lookup.reached(partitions)).items():
            tasks[each].resume(offset)

    def _own(self, partition: int) -> None:
        if partition >= self._partitions:  # added while this worker runs
            raise StreamError(partitions_changed(self._state, self._partitions, partition + 1))
        owner = self.owners[partition] = PartitionTask(
            partition, self._partitions, self._settings, self._explain
        )
        task = asyncio.create_task(owner.start(self._policy, self._model, self._source_names, self._lookup))
        self._starting.add(task)
        task.add_done_callback(self._started)

    def _started(self, task: asyncio.Task[None]) -> None:
        self._starting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def expect(self, sources: Iterable[TopicPartition]) -> None:
        """These are all source partitions; those that were added hold the watermark until a worker reports on them."""
        for name in {source_name(each) for each in sources} - set(self._source_names):
            log.info("the partition %s was added", name)
            self._source_names.append(name)
            for owner in self.owners.values():
                if owner.aggregator is not None:
                    owner.aggregator.watermark.expect(name)

    def positions(self) -> dict[TopicPartition, int]:
        """The next offset of everything owned whose state is known, by the last commit."""
        return {each: task.progress.offset for each, task in self.sources.items()} | self.applied()

    def applied(self) -> dict[TopicPartition, int]:
        """The next offset of each partition of `classified` whose state is known, by the last commit."""
        return {
            TopicPartition(self._classified, partition): owner.position
            for partition, owner in self.owners.items()
            if owner.position is not None
        }

    @property
    def recovering(self) -> int:
        """How many partitions still read their state."""
        return sum(owner.aggregator is None for owner in self.owners.values())

    def offset_gap_seconds(self) -> float:
        """For how long a partition has waited for the record at its position while later ones came."""
        gaps = [owner.offset_gap_since for owner in self.owners.values()]
        gaps += [task.progress.offset_gap_since for task in self.sources.values()]
        return time.monotonic() - min((gap for gap in gaps if gap is not None), default=math.inf)

    def readings(self) -> Iterator[KeyReading]:
        """The gauges of the keys owned, for the metrics."""
        for owner in list(self.owners.values()):
            if owner.aggregator is not None:
                yield from owner.aggregator.readings()

    def watermarks(self) -> Iterator[tuple[int, float]]:
        """Event time up to which each owned partition has been evaluated, Unix seconds."""
        for partition, owner in list(self.owners.items()):
            if owner.aggregator is not None and owner.aggregator.evaluated is not None:
                yield partition, owner.aggregator.evaluated
