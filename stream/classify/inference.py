"""From records to messages on threads, so that the event loop answers the broker whatever a document holds."""

import asyncio
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

from alerting.monitoring.metrics import Metrics
from bearwatch.core.streams import Stream
from models.classifier import Classification
from models.loaded import Input, Models
from stream.classify.document import Examined, classified, examine
from stream.classify.progress import reached
from stream.kafka.record_batches import Unreadable
from stream.messages import BadDocument, Classified, Origin

# The next batch fills the engine's streams while the last few texts of the one before occupy one of them only.
BATCHES_AT_ONCE = 2


class Record(NamedTuple):
    """A record of an input topic, or the last one of a batch that cannot be read, with the batch as its value."""

    value: bytes | None
    event_time: float | None  # its timestamp, Unix seconds
    origin: Origin
    unreadable: Unreadable | None = None


class Answered(NamedTuple):
    """What follows from a record that is a document."""

    reached: float  # Unix seconds; see `stream.classify.progress.reached`
    results: tuple[Classified, ...]


@dataclass(frozen=True)
class Limits:
    """What the documents of a stream are held against."""

    stream: Stream
    max_future_seconds: float


class Inference:
    """The models on threads of their own; what is costly about a document happens there."""

    def __init__(self, models: Models, metrics: Metrics) -> None:
        self.models = models
        self._metrics = metrics
        self._threads = ThreadPoolExecutor(BATCHES_AT_ONCE, thread_name_prefix="inference")

    async def answer(self, records: Sequence[Record], limits: Limits) -> list[Answered | BadDocument]:
        """The answer to each record, in their order."""
        if not records:
            return []
        work = partial(self._answer, records, limits, time.time())
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def _answer(self, records: Sequence[Record], limits: Limits, now: float) -> list[Answered | BadDocument]:
        examined = [_examined(each, now, limits.max_future_seconds) for each in records]
        classifications = iter(
            self._classify([each.model_input for each in examined if isinstance(each, Examined)])
        )
        return [
            Answered(
                reached(each.event_time, now),
                classified(each, limits.stream, next(classifications), record.origin),
            )
            if isinstance(each, Examined)
            else each
            for record, each in zip(records, examined, strict=True)
        ]

    def _classify(self, inputs: list[Input]) -> list[Classification]:
        if not inputs:
            return []
        self._metrics.batch_documents.observe(len(inputs))
        with self._metrics.inference_seconds.time():  # not the wait for a thread
            return self.models.classify(inputs)


def _examined(record: Record, now: float, max_future_seconds: float) -> Examined | BadDocument:
    if record.unreadable is not None:
        return BadDocument(f"a batch that cannot be read: {record.unreadable.reason}", "batch")
    try:
        return examine(record.value, record.event_time, now, max_future_seconds)
    except BadDocument as bad:
        return bad
