"""The rim of classify for one stream: batches of records in, results, ticks and dead letters out, then acks."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Protocol

from aiokafka import TopicPartition

from alerting.monitoring.metrics import Metrics
from bearwatch.core.streams import Stream
from models.classifier import Classification
from models.loaded import Input, Models
from stream.classify.document import Examined, classified, examine
from stream.classify.progress import SourceProgress, ticks
from stream.classify.result_producer import ResultProducer, SendBatch
from stream.kafka.batches import ahead, batches
from stream.messages import BadDocument, Origin

BATCH_SECONDS = 0.05  # the oldest document of a batch waits no longer for company
BATCH_DOCUMENTS = 256  # classified together: some token budgets, so that sorting by length pays
# The next batch fills the engine's streams while the last few texts of the one before occupy one of them only.
BATCHES_AT_ONCE = 2


class Event(Protocol):
    """What is needed of a Faust event."""

    message: Any

    def ack(self) -> bool: ...


class Inference:
    """The models on threads of their own, so that the event loop goes on answering the broker."""

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
    examined: list[Examined | BadDocument]
    answers: asyncio.Task[list[Classification]]


@dataclass
class ClassifyAgent:
    """Classifies one stream. Every record that comes is answered: by a result, a dead letter, or the process's end.

    While one batch is classified and its results are sent, the next one is classified beside it, so that the model
    need not wait for a busy event loop; results leave one batch after the other.
    """

    stream: Stream
    inference: Inference
    publisher: ResultProducer
    metrics: Metrics
    progress: dict[TopicPartition, SourceProgress]  # of the source partitions owned; shared with the ticker
    assignment_ready: asyncio.Event  # cleared while the assignment changes
    is_leftover: Callable[[TopicPartition, int, int], Any]
    max_future_seconds: float

    async def run(self, events: AsyncIterator[Event]) -> None:
        async for work in ahead(self._begun(events)):
            await self._answer(work)

    async def _begun(self, events: AsyncIterator[Event]) -> AsyncIterator[Work]:
        async for batch in batches(events, BATCH_DOCUMENTS, BATCH_SECONDS):
            due = [event for event in batch if await self._is_due(event)]
            now = time.time()
            examined = [self._examine(event, now) for event in due]
            inputs = [each.model_input for each in examined if isinstance(each, Examined)]
            yield Work(due, examined, asyncio.create_task(self.inference.classify(inputs)))

    async def _answer(self, work: Work) -> None:
        outbox = SendBatch(self.publisher)
        answers = iter(await work.answers)
        for event, each in zip(work.events, work.examined, strict=True):
            origin = _origin(event)
            if isinstance(each, BadDocument):
                await outbox.dead_letter(event.message.value, origin, each.reason)
                self.metrics.dead_letter(self.stream, each.kind)
            else:
                result = classified(each, self.stream, next(answers), origin)
                outbox.classified(result)
                self.metrics.classified_document(self.stream, result.topic, result.sentiment)
        await outbox.confirmed()
        touched = self._advance(work)
        await outbox.ticks(ticks(touched))
        await outbox.confirmed()
        for event in work.events:
            event.ack()

    async def _is_due(self, event: Event) -> bool:
        """Whether a record follows on those before it.

        At a rebalance some records of a queue may be dropped and later ones left. A result of those would make
        the dropped ones look like repetitions when they come again, so they wait for their turn, unacknowledged.
        """
        await self.assignment_ready.wait()
        partition = TopicPartition(event.message.topic, event.message.partition)
        progress = self.progress.get(partition)
        if progress is None:
            return False  # revoked meanwhile: its new owner answers it
        offset = event.message.offset
        if not progress.follows(offset) and await self.is_leftover(partition, progress.taken, offset):
            progress.wait(time.monotonic())
            return False
        progress.take(offset)
        return True

    def _examine(self, event: Event, now: float) -> Examined | BadDocument:
        try:
            return examine(event.message.value, event.message.timestamp, now, self.max_future_seconds)
        except BadDocument as bad:
            return bad

    def _advance(self, work: Work) -> dict[TopicPartition, SourceProgress]:
        touched = {}
        for event, each in zip(work.events, work.examined, strict=True):
            partition = TopicPartition(event.message.topic, event.message.partition)
            progress = self.progress.get(partition)
            if progress is not None:
                event_time = each.event_time if isinstance(each, Examined) else None
                progress.advance(event.message.offset + 1, event_time, time.monotonic())
                touched[partition] = progress
        return touched


def _origin(event: Event) -> Origin:
    message = event.message
    return Origin(message.topic, message.partition, message.offset)
