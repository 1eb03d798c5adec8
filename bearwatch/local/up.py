"""Everything on one machine: a local Kafka, the topics, a feed, a worker, and the reader of alerts."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

from bearwatch.local.kafka import LocalKafka
from bearwatch.local.ports import HOST, becomes_free
from bearwatch.local.processes import KILL_SECONDS, Process
from bearwatch.local.worker import worker_process
from bearwatch.terminal.snapshot import AlertReader
from bearwatch.terminal.view import Place
from stream.errors import StreamError
from stream.ingest.feeds import Feed
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames, create_topics
from stream.settings import WorkerSettings

PARTITIONS = 4
LOCAL_KAFKA = KafkaConnection(f"{HOST}:9092")  # a placeholder: the port is known after the start


@contextmanager
def local_broker(data_dir: Path) -> Iterator[KafkaConnection]:
    """A local Kafka in the data directory; yields how it is reached.

    Raises:
        StreamError: it cannot be started; or, instead of another StreamError, it has exited meanwhile.
    """
    with LocalKafka(data_dir / "kafka") as kafka:
        try:
            yield kafka.connection
        except StreamError:
            if kafka.pid is None:  # whatever failed, this is why
                raise StreamError(f"the local Kafka exited: {kafka.reason()} (log: {kafka.log})") from None
            raise


def prepare_topics(connection: KafkaConnection, names: TopicNames) -> None:
    """Create the topics that are missing.

    Raises:
        StreamError: a topic is not as it must be.
    """
    report = create_topics(connection, names, PARTITIONS)
    if report.wrong:
        raise StreamError("; ".join(report.wrong))


def require_free(host: str, port: int) -> None:
    """Check that no other program uses the metrics port, before anything is started.

    Raises:
        StreamError: it is in use.
    """
    if host == HOST and not becomes_free(port, KILL_SECONDS + 2):
        raise StreamError(
            f"{HOST}:{port} is in use (another bearwatch?); choose another port with --metrics-port"
        )


@dataclass
class Running:
    """What `up` supervises."""

    worker: Process
    alerts: AlertReader
    places: list[Place]
    failures: list[BaseException]

    def check(self) -> None:
        """Restart a worker that exited; raise the error of a thread, or of a worker that cannot run."""
        if self.failures:
            raise self.failures[0]
        self.worker.check()


@contextmanager
def running(settings: WorkerSettings, policy: Path | None, feed: Feed, data_dir: Path) -> Iterator[Running]:
    """Worker, feed and reader of alerts; all are stopped on leaving, the feed first."""
    stop, failures = Event(), list[BaseException]()
    names = TopicNames(settings.prefix)
    worker = worker_process(settings, policy, data_dir / "worker.log")
    reader = AlertReader(settings.connection, names.alerts)
    address = f"{settings.metrics_host}:{settings.metrics_port}"
    places = [
        Place("metrics", f"http://{address}/metrics and /healthz"),
        Place("alerts", f"Kafka at {settings.connection}, topic {names.alerts} (JSON)"),
        Place("logs", f"{worker.log_file}, {data_dir / 'kafka' / 'kafka.log'}"),
    ]

    def watched(work: object, *arguments: object) -> None:
        try:
            work(*arguments)  # type: ignore[operator]
        except BaseException as error:
            failures.append(error)

    with ExitStack() as cleanup:
        worker.start()
        cleanup.callback(worker.stop)
        threads = [threading.Thread(target=watched, args=(each, stop)) for each in (feed.follow, reader.run)]
        for thread in threads:
            thread.start()
            cleanup.callback(thread.join, 5)
        cleanup.callback(stop.set)
        yield Running(worker, reader, places, failures)
