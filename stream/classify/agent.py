"""The I/O boundary of classify for one stream: batches of records in; results, ticks, dead letters and offsets out."""

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import msgspec
from aiokafka import TopicPartition

from alerting.monitoring.metrics import Metrics
from stream.classify.dead_letters import DeadLetter
from stream.classify.inference import Answered, Inference, Limits, Record
from stream.classify.publication_age import PublicationAges
from stream.classify.result_producer import SendBatch
from stream.classify.source_task import SourceTask
from stream.kafka.batches import ahead, batches
from stream.kafka.positions import Event
from stream.kafka.record_batches import unreadable
from stream.messages import BadDocument, Classified, Origin

BATCH_SECONDS = 0.05  # the oldest document of a batch waits no longer for more
BATCH_DOCUMENTS = 256  # classified together: some token budgets, so that sorting by length pays
log = logging.getLogger("bearwatch.worker")


@dataclass
class Work:
    """A batch on its way: the records to be answered, and the answers to come."""

    records: list[Record]
    sources: list[SourceTask]  # that each was taken by; it answers for it, or nobody does
    answers: asyncio.Task[list[Answered | BadDocument]]


@dataclass
class ClassifyAgent:
    """Classifies one stream. Every record that comes is answered: by results, a dead letter, or the process's end.

    While one batch is classified and its results are sent, the next one is classified at the same time, so that the
    model need not wait for a busy event loop; results leave one batch after the other, one transaction per source
    partition.
    """

    inference: Inference
    metrics: Metrics
    sources: Mapping[TopicPartition, SourceTask]  # changed at rebalances
    assignment_ready: asyncio.Event  # cleared while the assignment changes
    limits: Limits

    def __post_init__(self) -> None:
        self._ages = PublicationAges(self.limits.stream)

    async def run(self, events: AsyncIterator[Event]) -> None:
        async for work in ahead(self._begun(events)):
            await self._answer(work)

    async def _begun(self, events: AsyncIterator[Event]) -> AsyncIterator[Work]:
        async for batch in batches(events, BATCH_DOCUMENTS, BATCH_SECONDS):
            taken = [(event, source) for event in batch if (source := await self._take(event)) is not None]
            records = [_record(event) for event, _ in taken]
            answers = asyncio.create_task(self.inference.answer(records, self.limits))
            yield Work(records, [source for _, source in taken], answers)

    async def _take(self, event: Event) -> SourceTask | None:
        """The source task that takes the record; None where it is not the next one of its partition."""
        await self.assignment_ready.wait()
        message = event.message
        source = self.sources.get(TopicPartition(message.topic, message.partition))
        if source is None:
            return None  # revoked meanwhile: the worker that holds the partition now answers it
        took = source.progress.take(message.fetched_from, message.offset, time.monotonic())
        return source if took else None

    async def _answer(self, work: Work) -> None:
        sends: dict[SourceTask, SendBatch] = defaultdict(SendBatch)
        for record, source, answer in zip(work.records, work.sources, await work.answers, strict=True):
            origin, send = record.origin, sends[source]
            send.offset = origin.offset + 1
            if isinstance(answer, BadDocument):
                send.dead_letters.append(_dead_letter(record, answer))
            else:
                send.event_time = max(answer.reached, send.event_time or answer.reached)
                send.results += answer.results
        await asyncio.gather(*(self._commit(source, send) for source, send in sends.items()))

    async def _commit(self, source: SourceTask, send: SendBatch) -> None:
        if await source.commit(send):
            for letter in send.dead_letters:
                self.metrics.dead_letter(self.limits.stream, letter.bad.kind)
            for result in send.results:
                if not result.is_of_topic:
                    self.metrics.companies_found.labels(self.limits.stream).inc()
                    continue
                self.metrics.classified_document(self.limits.stream, result.topic, result.sentiment)
                self._note_age(result)
            if (warning := self._ages.warning(time.monotonic())) is not None:
                log.warning("%s", warning)

    def _note_age(self, result: Classified) -> None:
        age = (result.event_time - result.published_at).total_seconds()
        if self._ages.add(age):
            self.metrics.old_documents.labels(self.limits.stream).inc()


def _record(event: Event) -> Record:
    message = event.message
    origin = Origin(message.topic, message.partition, message.offset)
    return Record(message.value, message.timestamp, origin, unreadable(message.headers))


def _dead_letter(record: Record, bad: BadDocument) -> DeadLetter:
    if record.unreadable is None:
        return DeadLetter(record.value, record.origin, bad)
    first = msgspec.structs.replace(record.origin, offset=record.unreadable.first_offset)
    return DeadLetter(record.value, first, bad, last_offset=record.origin.offset)
