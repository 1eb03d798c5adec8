"""Everything on one machine: a local Kafka, the topics, a feed, a worker, and what tells of them."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from threading import Event

import msgspec
from kafka.errors import KafkaError

from bearwatch.local.kafka import LocalKafka
from bearwatch.local.ports import HOST, is_free
from bearwatch.settings import connection_flags
from bearwatch.terminal.snapshot import AlertReader
from bearwatch.terminal.view import Place
from stream.errors import StreamError
from stream.ingest.feeds import Feed
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames, create_topics
from stream.settings import WorkerSettings

PARTITIONS = 4
RESTARTS = 3  # a worker that ends so often within RESTART_SECONDS will not come to life
RESTART_SECONDS = 60.0
STOP_SECONDS = 9.0
log = logging.getLogger("bearwatch.up")


@contextmanager
def local_broker(data_dir: Path) -> Iterator[KafkaConnection]:
    """A Kafka of its own in the data directory; gives how it is reached."""
    with LocalKafka(data_dir / "kafka") as kafka:
        yield kafka.connection


def prepare_topics(connection: KafkaConnection, names: TopicNames) -> None:
    """Create what is missing.

    Raises:
        StreamError: a topic is not as it must be.
    """
    report = create_topics(connection, names, PARTITIONS)
    if report.wrong:
        raise StreamError("; ".join(report.wrong))


def require_free(host: str, port: int) -> None:
    """Say early that another program has the metrics port.

    Raises:
        StreamError: it is taken.
    """
    if host == HOST and not is_free(port):
        raise StreamError(
            f"{HOST}:{port} is in use (another bearwatch?); choose another port with --metrics-port"
        )


class WorkerProcess:
    """`bearwatch worker` as a supervisor runs it: started again when it ends, until that does not help."""

    def __init__(self, settings: WorkerSettings, policy: Path | None, log_file: Path) -> None:
        self.log_file = log_file
        self._command = [sys.executable, "-m", "bearwatch", "worker", *worker_flags(settings, policy)]
        self._ends: list[float] = []
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log_file.open("ab") as output:
            # A session of its own: Ctrl-C in the terminal is for `up`, which ends things in their order.
            self._process = subprocess.Popen(  # noqa: S603 - our own command line
                self._command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True
            )

    def check(self) -> None:
        """Start it again if it ended.

        Raises:
            StreamError: it keeps ending.
        """
        if self._process is None or (code := self._process.poll()) is None:
            return
        now = time.monotonic()
        self._ends = [*(end for end in self._ends if now - end < RESTART_SECONDS), now]
        if len(self._ends) >= RESTARTS:
            raise StreamError(f"the worker keeps ending: {self._last_words()}; more in {self.log_file}")
        log.warning("the worker ended with exit code %d and is started again; see %s", code, self.log_file)
        self.start()

    def _last_words(self) -> str:
        lines = self.log_file.read_text(errors="replace").splitlines()
        return next((line for line in reversed(lines) if line.strip()), "it said nothing")

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._process is not None:
            self._process.send_signal(number)

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def worker_flags(settings: WorkerSettings, policy: Path | None) -> list[str]:
    """The command line of a worker with these settings."""
    flags = {
        "prefix": settings.prefix,
        "group": settings.group,
        "model": settings.model,
        "engine": settings.engine,
        "metrics-host": settings.metrics_host,
        "metrics-port": settings.metrics_port,
        **({} if policy is None else {"policy": policy}),
    }
    settings_flags = [part for name, value in flags.items() for part in (f"--{name}", str(value))]
    return [*connection_flags(settings.connection), *settings_flags]


@dataclass
class Running:
    """What `up` watches."""

    worker: WorkerProcess
    alerts: AlertReader
    places: list[Place]
    failures: list[BaseException]

    def check(self) -> None:
        """Keep the worker alive; raise what a thread or the worker died of."""
        if self.failures:
            raise self.failures[0]
        self.worker.check()


@contextmanager
def running(settings: WorkerSettings, policy: Path | None, feed: Feed, data_dir: Path) -> Iterator[Running]:
    """Worker, feed and reader of alerts; all ended on leaving, the feed first."""
    stop, failures = Event(), list[BaseException]()
    names = TopicNames(settings.prefix)
    worker = WorkerProcess(settings, policy, data_dir / "worker.log")
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
        except (KafkaError, msgspec.DecodeError) as error:
            failures.append(StreamError(f"reading {names.alerts} at {settings.connection}: {error}"))
        except BaseException as error:
            failures.append(error)

    with ExitStack() as ending:
        worker.start()
        ending.callback(worker.stop)
        threads = [threading.Thread(target=watched, args=(each, stop)) for each in (feed.follow, reader.run)]
        for thread in threads:
            thread.start()
            ending.callback(thread.join, 5)
        ending.callback(stop.set)
        yield Running(worker, reader, places, failures)


def data_folder(path: Path) -> Path:
    """Create the data directory.

    Raises:
        StreamError: it cannot be written.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StreamError(f"{path}: the data directory cannot be made ({error.strerror})") from None
    if not os.access(path, os.W_OK):
        raise StreamError(f"{path}: the data directory cannot be written")
    return path.absolute()
