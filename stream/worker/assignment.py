"""What this worker owns at the moment, and what happens when a rebalance changes it."""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator

from aiokafka import TopicPartition

from alerting.alerts import Alert
from alerting.detection.policy import Policy
from alerting.detector import KeyDecision
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

    A rebalance first takes everything away: sources are given back, the partitions of `classified` are paused after
    the transaction under way. Those that are assigned again continue with the state in memory; had another worker
    taken one meanwhile, it would have fenced this one's producer, and the next commit would end the process.
    """

    def __init__(
        self,
        settings: WorkerSettings,
        policy: Policy,
        model: str,
        sources: Iterable[str],
        partitions: int,
        offsets_client: OffsetsClient,
        explain: Callable[[list[Alert]], Awaitable[list[Alert]]],
        fail: Callable[[BaseException], None],
    ) -> None:
        self.sources: dict[TopicPartition, SourceTask] = {}
        self.tasks: dict[int, PartitionTask] = {}  # by partition of `classified`
        self._paused: dict[int, PartitionTask] = {}  # during a rebalance: those whose state is in memory
        self.ready = asyncio.Event()  # cleared while the assignment changes
        self.known = False  # whether anything was ever assigned
        self._settings = settings
        self._policy = policy
        self._model = model
        self._source_names = list(sources)  # of all workers
        self._partitions = partitions  # of `classified`
        self._offsets_client = offsets_client
        self._explain = explain
        self._fail = fail
        self._classified = TopicNames(settings.prefix).classified
        self._state = TopicNames(settings.prefix).state
        self._starting: set[asyncio.Task[None]] = set()

    async def revoked(self, _: set[TopicPartition]) -> None:
        """Give back or pause everything, after the transactions under way."""
        self.ready.clear()
        sources, tasks = list(self.sources.values()), dict(self.tasks)
        self.sources.clear()
        self.tasks.clear()
        if starting := list(self._starting):  # one that continued to start would fence its successor
            for each in starting:
                each.cancel()
            await asyncio.wait(starting)
        recovered = {partition: task for partition, task in tasks.items() if task.aggregator is not None}
        self._paused.update(recovered)
        await asyncio.gather(
            *(task.stop() for task in sources),
            *(task.pause() for task in recovered.values()),
            *(task.stop() for partition, task in tasks.items() if partition not in recovered),
        )

    async def stop(self) -> None:
        """Give everything back."""
        await self.revoked(set())
        await self._give_up(set())

    async def _give_up(self, kept: set[int]) -> None:
        """Stop the paused partitions that are not assigned again."""
        given_up = [self._paused.pop(partition) for partition in self._paused.keys() - kept]
        await asyncio.gather(*(task.stop() for task in given_up))

    async def assigned(self, partitions: set[TopicPartition]) -> None:
        """Take what was assigned: fence the workers that held it, read state, find where the sources go on."""
        try:
            await self.revoked(set())  # Faust does not announce every loss
            numbers = {each.partition for each in partitions if each.topic == self._classified}
            await self._give_up(numbers)
            await self._take_sources({each for each in partitions if each.topic != self._classified})
            for number in numbers:
                self._take(number)
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
        for each, offset in (await self._offsets_client.reached(partitions)).items():
            tasks[each].resume(offset)

    def _take(self, partition: int) -> None:
        if (paused := self._paused.pop(partition, None)) is not None:
            self.tasks[partition] = paused
            paused.resume(self._source_names)
            return
        if partition >= self._partitions:  # added while this worker runs
            raise StreamError(partitions_changed(self._state, self._partitions, partition + 1))
        task = self.tasks[partition] = PartitionTask(
            partition, self._partitions, self._settings, self._explain
        )
        starting = asyncio.create_task(
            task.start(self._policy, self._model, self._source_names, self._offsets_client)
        )
        self._starting.add(starting)
        starting.add_done_callback(self._started)

    def _started(self, task: asyncio.Task[None]) -> None:
        self._starting.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            self._fail(error)

    def expect(self, sources: Iterable[TopicPartition]) -> None:
        """These are all source partitions; those that were added hold the watermark until a worker reports on them."""
        for name in {source_name(each) for each in sources} - set(self._source_names):
            log.info("the partition %s was added", name)
            self._source_names.append(name)
            for task in self.tasks.values():
                if task.aggregator is not None:
                    task.aggregator.watermark.expect(name)

    def positions(self) -> dict[TopicPartition, int]:
        """The next offset of everything owned whose state is known, by the last commit."""
        return {each: task.progress.offset for each, task in self.sources.items()} | self.applied()

    def applied(self) -> dict[TopicPartition, int]:
        """The next offset of each partition of `classified` whose state is known, by the last commit."""
        return {
            TopicPartition(self._classified, partition): task.position
            for partition, task in self.tasks.items()
            if task.position is not None
        }

    @property
    def recovering(self) -> int:
        """How many partitions still read their state."""
        return sum(task.aggregator is None for task in self.tasks.values())

    def offset_gap_seconds(self) -> float:
        """For how long a partition has waited for the record at its position while later ones came."""
        gaps = [task.offset_gap_since for task in self.tasks.values()]
        gaps += [task.progress.offset_gap_since for task in self.sources.values()]
        return time.monotonic() - min((gap for gap in gaps if gap is not None), default=math.inf)

    def decisions(self) -> Iterator[KeyDecision]:
        """The gauges of the keys owned, for the metrics."""
        for task in list(self.tasks.values()):
            if task.aggregator is not None:
                yield from task.aggregator.decisions()

    def stories(self) -> Iterator[tuple[int, int]]:
        """How many stories the state of each owned partition remembers."""
        for partition, task in list(self.tasks.items()):
            if task.aggregator is not None:
                yield partition, task.aggregator.stories

    def watermarks(self) -> Iterator[tuple[int, float]]:
        """Event time up to which each owned partition has been evaluated, Unix seconds."""
        for partition, task in list(self.tasks.items()):
            if task.aggregator is not None and task.aggregator.evaluated is not None:
                yield partition, task.aggregator.evaluated
