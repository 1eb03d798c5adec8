"""Everything that docker-compose.yml describes, as processes of this machine: `make stack`.

Kafka, topics, workers, a feed, Prometheus, Alertmanager, the webhook receiver and the pages of evidence, with the
same configuration files; only host names become loopback addresses. Grafana is left out: its image has what it needs.

    python -m bearwatch.local.stack --data-dir .stack
"""

import logging
import secrets
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields
from pathlib import Path
from threading import Event
from typing import Any

import click
import yaml

from alerting.detection.policy import load_policy
from alerting.monitoring.rules import Links, rule_files
from bearwatch.core.errors import BearwatchError
from bearwatch.local.monitoring import home, tool
from bearwatch.local.ports import HOST, free_port, is_free
from bearwatch.local.sources import SAMPLE, check_feed
from bearwatch.local.up import WorkerProcess, data_folder, local_broker, prepare_topics
from bearwatch.settings import connection_flags
from models.classifier import BUNDLED
from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames
from stream.settings import WorkerSettings

CONFIGURATION = Path(__file__).parents[2] / "alerting"
STOP_SECONDS = 8.0
log = logging.getLogger("bearwatch.stack")


@dataclass(frozen=True)
class Ports:
    """Those of docker-compose.yml; a test takes free ones."""

    prometheus: int = 9090
    alertmanager: int = 9093
    webhook: int = 9209
    evidence: int = 9110
    worker: int = 9108  # of the first worker; the others take free ones

    def addresses(self) -> dict[str, str]:
        """Host and port in the configuration files -> address on this machine."""
        return {
            f"{name}:{default.default}": f"{HOST}:{getattr(self, name)}"
            for name, default in ((each.name, each) for each in fields(self))
        }


@dataclass
class Process:
    """A process in a session of its own, its output in a file."""

    name: str
    command: Sequence[str]
    log_file: Path
    folder: Path | None = None  # where it is started
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        with self.log_file.open("ab") as output:
            self.running = subprocess.Popen(  # noqa: S603 - the commands below
                self.command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )

    def check(self) -> None:
        """Raises StreamError if it has ended."""
        if self.running is not None and self.running.poll() is not None:
            raise StreamError(
                f"{self.name} ended with exit code {self.running.returncode}; see {self.log_file}"
            )

    def stop(self) -> None:
        if self.running is None:
            return
        self.running.terminate()
        try:
            self.running.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.running.kill()
            self.running.wait()
        self.running = None


@dataclass
class Stack:
    """What runs; a test stops and starts parts of it."""

    connection: KafkaConnection
    workers: list[WorkerProcess]
    processes: dict[str, Process]
    notifications: Path

    def check(self) -> None:
        """Start workers again that ended; raises StreamError when another process has ended."""
        for worker in self.workers:
            worker.check()
        for process in self.processes.values():
            process.check()


@contextmanager
def stack(
    folder: Path,
    feed: str | None = SAMPLE,
    policy: Path | None = None,
    model: Path = BUNDLED,
    workers: int = 1,
    ports: Ports = Ports(),
) -> Iterator[Stack]:
    """Everything, ended in reverse order on leaving.

    Raises:
        PolicyError, AlertingError: the policy has a mistake, a program of the monitoring is not to be had; nothing was
            started.
        StreamError: a port is taken, or a process ends.
    """
    links = Links(evidence=f"http://{HOST}:{ports.evidence}/alerts")
    rules = rule_files(load_policy(policy), WorkerSettings.session_timeout_seconds, links)
    programs = {name: tool(name) for name in ("prometheus", "alertmanager")}
    for port in (getattr(ports, each.name) for each in fields(ports)):
        if not is_free(port):
            raise StreamError(f"{HOST}:{port} is in use; another bearwatch?")
    with ExitStack() as ending:
        connection = ending.enter_context(local_broker(folder))
        prepare_topics(connection, TopicNames())
        worker_ports = [ports.worker, *(free_port() for _ in range(workers - 1))]
        token = _configure(folder, rules, worker_ports, ports)
        notifications = folder / "notifications.jsonl"
        commands = _commands(folder, connection, notifications, token, feed, ports, programs)
        processes = {
            name: Process(name, command, folder / f"{name}.log") for name, command in commands.items()
        }
        processes["alertmanager"].folder = home(programs["alertmanager"])
        running = [
            WorkerProcess(
                WorkerSettings(connection, model=model, metrics_port=port),
                policy,
                folder / f"worker-{number}.log",
            )
            for number, port in enumerate(worker_ports)
        ]
        everything: list[Process | WorkerProcess] = [*processes.values(), *running]
        for each in everything:
            each.start()
            ending.callback(each.stop)
        yield Stack(connection, running, processes, notifications)


def _configure(folder: Path, rules: Mapping[str, str], worker_ports: Sequence[int], ports: Ports) -> Path:
    """Copy the configuration with this machine's addresses; returns the receiver's token file."""
    prometheus, alertmanager = folder / "prometheus", folder / "alertmanager"
    (prometheus / "targets").mkdir(parents=True, exist_ok=True)
    alertmanager.mkdir(exist_ok=True)
    text = _with_addresses(CONFIGURATION / "prometheus" / "prometheus.yml", ports)
    content = yaml.safe_load(text.replace("localhost:9090", f"{HOST}:{ports.prometheus}"))
    for job in content["scrape_configs"]:
        job.pop("dns_sd_configs", None)  # the name `worker` is the compose file's
    (prometheus / "prometheus.yml").write_text(yaml.safe_dump(content))
    targets = [f"{HOST}:{port}" for port in worker_ports]
    (prometheus / "targets" / "workers.yml").write_text(yaml.safe_dump([{"targets": targets}]))
    for name, written in rules.items():
        (prometheus / name).write_text(written)
    text = _with_addresses(CONFIGURATION / "alertmanager" / "alertmanager.yml", ports)
    (alertmanager / "alertmanager.yml").write_text(text)
    token = alertmanager / "webhook-token"
    if not token.exists():
        token.touch(mode=0o600)
        token.write_text(secrets.token_urlsafe(24))
    return token


def _with_addresses(file: Path, ports: Ports) -> str:
    text = file.read_text()
    for written, address in ports.addresses().items():
        text = text.replace(written, address)
    return text


def _commands(
    folder: Path,
    connection: KafkaConnection,
    notifications: Path,
    token: Path,
    feed: str | None,
    ports: Ports,
    programs: Mapping[str, Path],
) -> dict[str, list[str]]:
    bearwatch = [sys.executable, "-m", "bearwatch"]
    prometheus, alertmanager = folder / "prometheus", folder / "alertmanager"
    commands = {
        "webhook": [
            *(*bearwatch, "webhook", "--listen", f"{HOST}:{ports.webhook}"),
            *("--token-file", str(token), "--out", str(notifications)),
        ],
        "evidence": [
            *(
                *bearwatch,
                "alerts",
                "serve",
                *connection_flags(connection),
                "--listen",
                f"{HOST}:{ports.evidence}",
            ),
            *("--alertmanager", f"http://{HOST}:{ports.alertmanager}"),
        ],
        "alertmanager": [
            str(programs["alertmanager"]),
            f"--config.file={alertmanager / 'alertmanager.yml'}",
            f"--storage.path={alertmanager / 'data'}",
            f"--web.listen-address={HOST}:{ports.alertmanager}",
            "--cluster.listen-address=",
        ],
        "prometheus": [
            str(programs["prometheus"]),
            f"--config.file={prometheus / 'prometheus.yml'}",
            f"--storage.tsdb.path={prometheus / 'data'}",
            f"--web.listen-address={HOST}:{ports.prometheus}",
        ],
    }
    if feed is not None:
        commands["feed"] = [
            *bearwatch,
            "feed",
            feed,
            *connection_flags(connection),
            "--data-dir",
            str(folder),
        ]
    return commands


@click.command
@click.option("--feed", default=SAMPLE, show_default=True, metavar="sample|FILE.jsonl")
@click.option("--data-dir", type=click.Path(file_okay=False, path_type=Path), default=Path(".stack"))
@click.option("--policy", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True)
def main(data_dir: Path, feed: str, **options: Any) -> None:
    """Run everything until Ctrl-C."""
    check_feed(feed)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    asked = Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: asked.set())
    folder, ports = data_folder(data_dir), Ports()
    with stack(folder, feed, ports=ports, **options) as running:
        log.info(
            "Prometheus http://%s:%d, Alertmanager http://%s:%d",
            HOST,
            ports.prometheus,
            HOST,
            ports.alertmanager,
        )
        log.info("evidence http://%s:%d/alerts, Kafka %s", HOST, ports.evidence, running.connection)
        log.info("notifications go to %s, logs are in %s", running.notifications, folder)
        while not asked.wait(1):
            running.check()
    log.info("stopped")


if __name__ == "__main__":
    try:
        main()
    except BearwatchError as error:
        click.echo(f"bearwatch: error: {error}", err=True)
        sys.exit(error.exit_code)
