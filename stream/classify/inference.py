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
from stream.entities.matcher import Matcher
from stream.entities.watched import WatchedCompanies
from stream.kafka.record_batches import Unreadable
from stream.messages import BadDocument, Classified, Origin

# The next batch fills the engine's streams while the last few texts of the one before occupy one of them only.
BATCHES_AT_ONCE = 2
MOST_COMPANIES = (
    32  # of one document; a text that names more is a list of companies, and each costs a message
)


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

    def __init__(self, models: Models, metrics: Metrics, watched: WatchedCompanies) -> None:
        self.models = models
        self._metrics = metrics
        self._watched = watched
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
        matcher = self._watched.matcher  # one list for the batch, though another may take its place meanwhile
        return [
            Answered(
                reached(each.event_time, now),
                classified(
                    each,
                    limits.stream,
                    next(classifications),
                    record.origin,
                    self._companies(each, limits.stream, matcher),
                ),
            )
            if isinstance(each, Examined)
            else each
            for record, each in zip(records, examined, strict=True)
        ]

    def _companies(self, examined: Examined, stream: Stream, matcher: Matcher) -> list[str]:
        """The ids of the watched companies that a document is about."""
        found = [each.company for each in matcher.find(examined.text, examined.document.tickers)]
        if len(found) > MOST_COMPANIES:
            self._metrics.companies_left_out.labels(stream).inc(len(found) - MOST_COMPANIES)
        return found[:MOST_COMPANIES]

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
