"""One worker process: classifies, aggregates, watches itself, and ends when it cannot continue.

Run by `bearwatch worker`. State is safe at any moment (`stream.aggregate`), so ending at once is always right; a
supervisor starts the worker again.
"""

import asyncio
import logging
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from aiokafka.errors import KafkaError
from prometheus_client import CollectorRegistry

from alerting.detection.policy import Policy
from alerting.monitoring.metrics import Metrics
from alerting.monitoring.state_collector import StateCollector
from bearwatch.core.stop_signals import on_stop_signal, stop_signals
from bearwatch.core.streams import STREAMS
from models.classifier import Classifier
from models.loaded import Models
from models.manifest import Head
from stream.aggregate.agent import AggregateAgent
from stream.aggregate.recovery import partitions_changed
from stream.classify.agent import ClassifyAgent
from stream.classify.document import SENTIMENT, TOPIC
from stream.classify.explanations import Explainer
from stream.classify.inference import Inference, Limits
from stream.classify.result_producer import TickProducer
from stream.entities.watched import WatchedCompanies
from stream.errors import StreamError
from stream.kafka.offsets import OffsetsClient, partition_counts
from stream.kafka.reach import reach
from stream.kafka.topics import TopicNames
from stream.messages import DEAD_LETTER_REASONS, NEGATIVE
from stream.settings import WorkerSettings
from stream.worker.allocator import return_large_memory
from stream.worker.assignment import Assignment
from stream.worker.faust_app import App, crash_of, faust_app, refusal_of
from stream.worker.health import Health
from stream.worker.inputs import InputPartitions
from stream.worker.metrics_server import serve
from stream.worker.shutdown import Shutdown, after, end_process, heartbeat, reason, start_watchdog
from stream.worker.source_clocks import SourceClocks
from stream.worker.ticker import Ticker
from stream.worker.watch_list_refresh import follow_watch_list

START_SECONDS = 15.0  # for the broker to answer at start
STOP_SECONDS = 8.0  # for a clean shutdown; Faust's own shutdown may hang
log = logging.getLogger("bearwatch.worker")


def check_heads(heads: Mapping[str, Head]) -> None:
    """A model of any topics may be watched. Raises StreamError where nothing could be counted as negative."""
    if missing := {TOPIC, SENTIMENT} - heads.keys():
        raise StreamError(
            f"the model has no head {', '.join(sorted(missing))}; a worker needs topic and sentiment"
        )
    if NEGATIVE not in heads[SENTIMENT].labels:
        known = ", ".join(heads[SENTIMENT].labels)
        raise StreamError(
            f"the model's head {SENTIMENT} has no label {NEGATIVE!r} ({known}): no story would ever count; "
            f"train with the label {NEGATIVE!r} and the files' own word for it as an alias"
        )


def run_worker(settings: WorkerSettings, policy: Policy) -> NoReturn:
    """Run until SIGTERM or SIGINT, then end the process: with 0 if everything could be given back.

    Raises:
        StreamError, ModelError: it cannot start.
        WatchListError: the watch list cannot be used.
    """
    return_large_memory()
    on_stop_signal(sys.exit)  # until the event loop takes them over
    watched = WatchedCompanies(settings.watch_list)
    models = Models(Classifier.load(settings.model, engine=settings.engine))
    heads = models.default.manifest.heads
    check_heads(heads)
    registry = CollectorRegistry()
    metrics = Metrics(
        registry,
        topics=heads[TOPIC].labels,
        sentiments=heads[SENTIMENT].labels,
        dead_letter_reasons=DEAD_LETTER_REASONS,
    )
    metrics.runs_with(models.default.engine_name, models.hash, policy.hash)
    health = Health()
    _, close = serve(health, registry, settings)
    try:
        asyncio.run(_run(_Loaded(settings, policy, watched, models, registry, metrics, health)))
    finally:
        close()


@dataclass(frozen=True)
class _Loaded:
    """What there is before Kafka is asked for anything."""

    settings: WorkerSettings
    policy: Policy
    watched: WatchedCompanies
    models: Models
    registry: CollectorRegistry
    metrics: Metrics
    health: Health


async def _run(loaded: _Loaded) -> NoReturn:
    settings, health, shutdown = loaded.settings, loaded.health, Shutdown()
    loop = asyncio.get_running_loop()
    for number in stop_signals():
        loop.add_signal_handler(number, shutdown.requested.set)
    start_watchdog(health, settings, shutdown)
    beating = asyncio.create_task(heartbeat(health), name="the heartbeat")
    starting = asyncio.create_task(_start(loaded, shutdown))
    requested = asyncio.create_task(shutdown.requested.wait())
    await asyncio.wait({starting, requested}, return_when=asyncio.FIRST_COMPLETED)
    if not starting.done():
        log.info("stopped while it started")
        end_process(0)  # nothing is in its hands, and what it waits for may never come
    try:
        running = starting.result()
    except KafkaError as error:
        raise StreamError(f"Kafka at {settings.connection} failed at the start: {reason(error)}") from None
    running.tasks.append(beating)
    beating.add_done_callback(shutdown.failed)
    log.info("started: broker %s, topics %s*, group %s", settings.connection, settings.prefix, settings.group)
    await requested
    after(STOP_SECONDS, shutdown.fail, f"it did not stop within {STOP_SECONDS:.0f} s; the last commit stands")
    end_process(await running.stop())


@dataclass
class _Running:
    """The parts of a worker that has started."""

    app: App
    assignment: Assignment
    producer: TickProducer
    offsets_client: OffsetsClient
    tasks: list[asyncio.Task[None]]  # none of them must end

    async def stop(self) -> int:
        """Give everything back; returns the exit code."""
        log.info("stopping")
        for task in self.tasks:
            task.cancel()
        try:
            await self.app.stop()
            await self.assignment.stop()
            await self.producer.stop()
            await self.offsets_client.stop()
        except Exception as error:
            log.error("it did not stop cleanly (%s); the last commit stands", reason(error))
            return 1
        log.info("stopped")
        return 0


async def _start(loaded: _Loaded, shutdown: Shutdown) -> _Running:
    settings, policy, metrics = loaded.settings, loaded.policy, loaded.metrics
    names = TopicNames(settings.prefix)
    partitions = await _reach(names, settings)
    offsets_client = OffsetsClient(settings.connection, settings.group)
    await offsets_client.start()
    inputs = [names.input(stream) for stream in STREAMS]
    sources = [f"{topic}-{number}" for topic in inputs for number in range(partitions[topic])]
    producer = TickProducer(settings, partitions[names.classified])
    await producer.start()
    inference = Inference(loaded.models, metrics, loaded.watched)
    assignment = Assignment(
        settings,
        policy,
        loaded.models.hash,
        sources,
        partitions[names.classified],
        offsets_client,
        Explainer(loaded.models, metrics),
        shutdown.fail,
    )
    agents = {
        names.input(stream): ClassifyAgent(
            inference=inference,
            metrics=metrics,
            sources=assignment.sources,
            assignment_ready=assignment.ready,
            limits=Limits(stream, policy.time.max_future_seconds),
        ).run
        for stream in STREAMS
    }
    agents[names.classified] = AggregateAgent(assignment.tasks, assignment.ready, metrics, time.time()).run
    app = faust_app(
        settings,
        agents,
        assignment.revoked,
        assignment.assigned,
        assignment.applied,
        assignment.positions,
        shutdown.fail,
    )
    ticker = Ticker(
        assignment,
        producer,
        offsets_client,
        loaded.health,
        InputPartitions(offsets_client, inputs),
        app.fetches.next_visible,
        SourceClocks(policy.time.idle_after_seconds),
        policy.time.idle_after_seconds,
    )
    loaded.registry.register(
        StateCollector(assignment.decisions, lambda: ticker.lags, assignment.watermarks, assignment.stories)
    )
    tasks = [
        asyncio.create_task(ticker.run(), name="the ticker"),
        asyncio.create_task(refusal_of(app)),
        asyncio.create_task(follow_watch_list(loaded.watched, metrics), name="the watch list"),
    ]
    for task in tasks:  # Faust's start may wait for ever
        task.add_done_callback(shutdown.failed)
    await app.start()
    tasks.append(asyncio.create_task(crash_of(app)))
    tasks[-1].add_done_callback(shutdown.failed)
    return _Running(app, assignment, producer, offsets_client, tasks)


async def _reach(names: TopicNames, settings: WorkerSettings) -> dict[str, int]:
    """Wait for the broker and check the topics; returns their numbers of partitions."""
    await reach(settings.connection)
    try:
        async with asyncio.timeout(START_SECONDS):
            counts = await partition_counts(settings.connection, names.all)
    except (KafkaError, TimeoutError, OSError, ValueError, OverflowError) as error:
        raise StreamError(
            f"no Kafka broker answers at {settings.connection} ({reason(error)}); "
            "is it running, is the address right?"
        ) from None
    missing = [topic for topic in names.all if not counts[topic]]
    if missing:
        raise StreamError(
            f"Kafka at {settings.connection} lacks the topics {', '.join(missing)}; "
            f"create them with `bearwatch topics --broker {settings.connection}`"
        )
    if counts[names.state] != counts[names.classified]:
        raise StreamError(partitions_changed(names.state, counts[names.state], counts[names.classified]))
    return counts
