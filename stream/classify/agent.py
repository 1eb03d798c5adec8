"""The I/O boundary of classify for one stream: batches of records in; results, ticks, dead letters and offsets out."""

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from alerting.monitoring.metrics import Metrics
from bearwatch.core.streams import Stream
from models.classifier import Classification
from models.loaded import Input, Models
from stream.classify.document import Examined, classified, examine
from stream.classify.result_producer import DeadLetter, SendBatch
from stream.classify.source_task import SourceTask
from stream.kafka.batches import ahead, batches
from stream.kafka.positions import Event
from stream.messages import BadDocument, Origin

BATCH_SECONDS = 0.05  # the oldest document of a batch waits no longer for more
BATCH_DOCUMENTS = 256  # classified together: some token budgets, so that sorting by length pays
# The next batch fills the engine's streams while the last few texts of the one before occupy one of them only.
BATCHES_AT_ONCE = 2


class Inference:
    """The models on threads of their own, so that the event loop continues to answer the broker."""

    def __init__(self, models: Models, metrics: Metrics) -> None:
        self.models = models
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(BATCHES_AT_ONCE, thread_name_prefix="inference")

    async def classify(self, inputs: list[Input]) -> list[Classification]:
        if not inputs:
            return []
        self._metrics.batch_documents.observe(len(inputs))
        answers: list[Classification] = await self.run(self._classify, inputs)
        return answers

    def _classify(self, inputs: list[Input]) -> list[Classification]:
        with self._metrics.inference_seconds.time():  # not the wait for a thread
            return self.models.classify(inputs)

    async def run(self, work: Callable[..., Any], *arguments: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, *arguments)


@dataclass
class Work:
    """A batch on its way: the records to be answered, what they hold, the answers to come to those that are fit."""

    events: list[Event]
    sources: list[SourceTask]  # that each was taken by; it answers for it, or nobody does
    examined: list[Examined | BadDocument]
    answers: asyncio.Task[list[Classification]]


@dataclass
class ClassifyAgent:
    """Classifies one stream. Every record that comes is answered: by results, a dead letter, or the process's end.

    While one batch is classified and its results are sent, the next one is classified at the same time, so that the
    model need not wait for a busy event loop; results leave one batch after the other, one transaction per source
    partition.
    """

    stream: Stream
    inference: Inference
    metrics: Metrics
    sources: Mapping[TopicPartition, SourceTask]  # changed at rebalances
    assignment_ready: asyncio.Event  # cleared while the assignment changes
    max_future_seconds: float

    async def run(self, events: AsyncIterator[Event]) -> None:
        async for work in ahead(self._begun(events)):
            await self._answer(work)

    async def _begun(self, events: AsyncIterator[Event]) -> AsyncIterator[Work]:
        async for batch in batches(events, BATCH_DOCUMENTS, BATCH_SECONDS):
            taken = [(event, source) for event in batch if (source := await self._take(event)) is not None]
            now = time.time()
            examined = [self._examine(event, now) for event, _ in taken]
            inputs = [each.model_input for each in examined if isinstance(each, Examined)]
            answers = asyncio.create_task(self.inference.classify(inputs))
            yield Work([event for event, _ in taken], [source for _, source in taken], examined, answers)

    async def _take(self, event: Event) -> SourceTask | None:
        """The source task that takes the record; None where it is not the next one of its partition."""
        await self.assignment_ready.wait()
        message = event.message
        source = self.sources.get(TopicPartition(message.topic, message.partition))
        if source is None:
            return None  # revoked meanwhile: the worker that holds the partition now answers it
        took = source.progress.take(message.fetched_from, message.offset, time.monotonic())
        return source if took else None

    def _examine(self, event: Event, now: float) -> Examined | BadDocument:
        try:
            return examine(event.message.value, event.message.timestamp, now, self.max_future_seconds)
        except BadDocument as bad:
            return bad

    async def _answer(self, work: Work) -> None:
        answers = iter(await work.answers)
        sends: dict[SourceTask, SendBatch] = defaultdict(SendBatch)
        for event, source, each in zip(work.events, work.sources, work.examined, strict=True):
            origin, send = _origin(event), sends[source]
            send.offset = origin.offset + 1
            if isinstance(each, BadDocument):
                send.dead_letters.append(DeadLetter(event.message.value, origin, each))
            else:
                send.event_time = max(each.event_time, send.event_time or each.event_time)
                send.results += classified(each, self.stream, next(answers), origin)
        await asyncio.gather(*(self._commit(source, send) for source, send in sends.items()))

    async def _commit(self, source: SourceTask, send: SendBatch) -> None:
        if await source.commit(send):
            for letter in send.dead_letters:
                self.metrics.dead_letter(self.stream, letter.bad.kind)
            for result in send.results:
                self.metrics.classified_document(self.stream, result.topic, result.sentiment)


def _origin(event: Event) -> Origin:
    message = event.message
    return Origin(message.topic, message.partition, message.offset)
