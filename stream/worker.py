"""One worker process: classifies, aggregates, watches itself, and ends when it cannot go on.

Run by `bearwatch worker`. State is safe at any moment (`stream.owner`), so ending at once is always right; a
supervisor starts the worker again.
"""

import asyncio
import contextlib
import logging
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass, field

from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from alerting.metrics import Metrics, StateCollector
from alerting.policy import Policy
from models.classifier import Classifier
from stream.aggregate_agent import AggregateAgent
from stream.app import faust_app
from stream.assignment import Assignment
from stream.classify import SENTIMENT, TOPIC
from stream.classify_agent import ClassifyAgent, Inference
from stream.errors import StreamError
from stream.evidence import explainer
from stream.health import Health, serve
from stream.lookup import Lookup, partition_counts
from stream.publisher import Publisher
from stream.settings import WorkerSettings
from stream.ticker import Ticker
from stream.topics import TopicNames
from stream.wire import REFUSALS, STREAMS

START_SECONDS = 15.0  # for the broker to answer at start
STOP_SECONDS = 8.0  # for a clean end; Faust's own shutdown may hang
log = logging.getLogger("bearwatch.worker")


def run_worker(settings: WorkerSettings, policy: Policy) -> int:
    """Run until SIGTERM or SIGINT; returns the exit code, 0 after a clean end.

    Raises:
        StreamError, ModelError: it cannot start.
    """
    for number in (signal.SIGTERM, signal.SIGINT):  # until the event loop takes them over
        signal.signal(number, lambda *_: sys.exit(0))
    classifier = Classifier.load(settings.model, engine=settings.engine)
    heads = classifier.manifest.heads
    if missing := {TOPIC, SENTIMENT} - heads.keys():
        raise StreamError(
            f"the model has no head {', '.join(sorted(missing))}; a worker needs topic and sentiment"
        )
    registry = CollectorRegistry()
    metrics = Metrics(
        registry,
        topics=heads[TOPIC].labels,
        sentiments=heads[SENTIMENT].labels,
        dead_letter_reasons=REFUSALS,
    )
    metrics.runs_with(classifier.engine_name, classifier.model_hash, policy.hash)
    health = Health()
    close = serve(health, registry, settings)
    try:
        return asyncio.run(_run(settings, policy, classifier, registry, metrics, health))
    finally:
        close()


@dataclass
class _End:
    """Why the worker ends: asked to, or because it cannot go on."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def fail(self, error: BaseException | str) -> None:
        """End the process now: its partitions go to others, who go on at the last commit."""
        log.critical("the worker cannot go on and exits: %s", _reason(error))
        logging.shutdown()
        os._exit(1)

    def failed(self, task: asyncio.Task[None]) -> None:
        """The done-callback of a task that must not end."""
        if not task.cancelled():
            error = task.exception()
            self.fail(f"{task.get_name()} ended" if error is None else error)


def _reason(error: BaseException | str) -> str:
    return error if isinstance(error, str) else f"{type(error).__name__}: {error}"


async def _run(
    settings: WorkerSettings,
    policy: Policy,
    classifier: Classifier,
    registry: CollectorRegistry,
    metrics: Metrics,
    health: Health,
) -> int:
    end = _End()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, end.asked.set)
    names = TopicNames(settings.prefix)
    partitions = await _reach(names, settings)
    lookup = Lookup(settings.broker, settings.group)
    await lookup.start()
    inputs = [names.input(stream) for stream in STREAMS]
    sources = [f"{topic}-{number}" for topic in inputs for number in range(partitions[topic])]
    publisher = Publisher(settings, partitions[names.classified])
    await publisher.start()
    inference = Inference(classifier, metrics)
    assignment = Assignment(
        settings, policy, classifier.model_hash, sources, lookup, explainer(inference), end.fail
    )
    agents = {
        names.input(stream): ClassifyAgent(
            stream=stream,
            inference=inference,
            publisher=publisher,
            metrics=metrics,
            progress=assignment.progress,
            settled=assignment.settled,
            is_leftover=assignment.is_leftover,
            max_future_seconds=policy.time.max_future_seconds,
            batch_documents=settings.batch_documents,
        ).run
        for stream in STREAMS
    }
    agents[names.classified] = AggregateAgent(
        assignment.owners, assignment.settled, metrics, policy.time.historical_after_seconds
    ).run
    app = faust_app(settings, agents, assignment.revoked, assignment.assigned, end.fail)
    ticker = Ticker(assignment, publisher, lookup, health, policy.time.idle_after_seconds)
    registry.register(StateCollector(assignment.readings, lambda: ticker.lags, assignment.watermarks))
    threading.Thread(target=_watch, args=(health, settings, end), name="watchdog", daemon=True).start()
    ticking = asyncio.create_task(ticker.run(), name="the ticker")
    ticking.add_done_callback(end.failed)
    await app.start()
    log.info("started: broker %s, topics %s*, group %s", settings.broker, settings.prefix, settings.group)
    await end.asked.wait()
    return await _stop(app, ticking, assignment, publisher, lookup)


async def _reach(names: TopicNames, settings: WorkerSettings) -> dict[str, int]:
    """Wait for the broker and check the topics; returns their numbers of partitions."""
    try:
        async with asyncio.timeout(START_SECONDS):
            counts = await partition_counts(settings.broker, names.all)
    except (KafkaError, TimeoutError, OSError) as error:
        raise StreamError(
            f"no Kafka broker answers at {settings.broker} ({_reason(error)}); "
            "is it running, is the address right?"
        ) from None
    missing = [topic for topic, count in counts.items() if not count]
    if missing:
        raise StreamError(
            f"Kafka at {settings.broker} lacks the topics {', '.join(missing)}; "
            f"create them with `bearwatch topics --broker {settings.broker}`"
        )
    if counts[names.state] != counts[names.classified]:
        raise StreamError(
            f"{names.state} has {counts[names.state]} partitions and {names.classified} "
            f"{counts[names.classified]}; each partition's state needs a partition of its own"
        )
    return counts


async def _stop(
    app: object, ticking: asyncio.Task[None], assignment: Assignment, publisher: Publisher, lookup: Lookup
) -> int:
    log.info("stopping")
    ticking.cancel()
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await app.stop()  # type: ignore[attr-defined]
            await assignment.revoked(set())
            await publisher.stop()
            await lookup.stop()
    except TimeoutError:
        log.error("Faust did not stop within %.0f s; the last commit stands", STOP_SECONDS)
        logging.shutdown()
        os._exit(1)
    log.info("stopped")
    logging.shutdown()
    os._exit(0)  # threads of Faust may be left


def _watch(health: Health, settings: WorkerSettings, end: _End) -> None:
    """A thread of its own: an event loop that hangs cannot watch itself."""
    while True:
        time.sleep(1)
        if (reason := health.fatal(time.monotonic(), settings)) is not None:
            with contextlib.suppress(BaseException):
                end.fail(reason)
            os._exit(1)
