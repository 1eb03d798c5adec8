"""Everything that docker-compose.yml describes, as processes of this machine: `bearwatch stack`.

Kafka, topics, workers, a feed, Prometheus, Alertmanager, the webhook receiver and the pages of evidence, with the
same configuration files; only host names become loopback addresses. Grafana is left out: its image has what it needs.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path

from alerting.detection.policy import load_policy
from alerting.monitoring.rules import Links, rule_files
from bearwatch.local.data_folder import data_folder
from bearwatch.local.monitoring import tool
from bearwatch.local.ports import HOST, becomes_free, free_port
from bearwatch.local.processes import KILL_SECONDS, Process, bearwatch_command
from bearwatch.local.sources import SAMPLE
from bearwatch.local.stack_configuration import Ports, write_configuration
from bearwatch.local.up import local_broker, prepare_topics
from bearwatch.local.worker import worker_process
from bearwatch.settings import connection_flags
from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames
from stream.settings import WorkerSettings


@dataclass
class Stack:
    """What runs; a test stops and starts parts of it."""

    connection: KafkaConnection
    workers: list[Process]
    processes: dict[str, Process]
    notifications: Path

    def check(self) -> None:
        """Restart workers that exited. Raises StreamError where that does not help, or another process exited."""
        for process in (*self.workers, *self.processes.values()):
            process.check()


@contextmanager
def stack(
    folder: Path,
    settings: WorkerSettings,
    ports: Ports,
    feed: str | None = SAMPLE,
    policy: Path | None = None,
    workers: int = 1,
) -> Iterator[Stack]:
    """Everything, stopped in reverse order on leaving.

    Args:
        folder: the data directory; it is created where it does not exist.
        settings: of every worker; `connection` is replaced by the local Kafka's, `metrics_port` by those of `ports`.

    Raises:
        PolicyError, AlertingError: the policy has a mistake, a monitoring program is missing; nothing was started.
        StreamError: a port is in use, or a process exits.
    """
    links = Links(
        evidence=f"http://{HOST}:{ports.evidence}/alerts", runbooks=f"http://{HOST}:{ports.evidence}/runbooks"
    )
    rules = rule_files(load_policy(policy), settings.session_timeout_seconds, links)
    prometheus, alertmanager = tool("prometheus"), tool("alertmanager")
    for port in (getattr(ports, each.name) for each in fields(ports)):
        if not becomes_free(port, KILL_SECONDS + 2):
            raise StreamError(f"{HOST}:{port} is in use; does another bearwatch run?")
    folder = data_folder(folder)
    with ExitStack() as running:
        settings = replace(settings, connection=running.enter_context(local_broker(folder)))
        prepare_topics(settings.connection, TopicNames(settings.prefix))
        worker_ports = [ports.worker, *(free_port() for _ in range(workers - 1))]
        targets = [f"{settings.metrics_host}:{port}" for port in worker_ports]
        token = write_configuration(folder, rules, targets, ports)
        notifications = folder / "notifications.jsonl"
        commands = {
            "webhook": _webhook(ports, token, notifications),
            "evidence": _evidence(ports, settings),
            "alertmanager": _alertmanager(alertmanager, folder / "alertmanager", ports),
            "prometheus": _prometheus(prometheus, ports),
        }
        if feed is not None:
            commands["feed"] = bearwatch_command("feed", feed, *_kafka(settings), "--data-dir", str(folder))
        processes = {
            name: Process(name, command, folder / f"{name}.log") for name, command in commands.items()
        }
        processes["prometheus"].cwd = folder / "prometheus"
        supervised = [
            worker_process(
                replace(settings, metrics_port=port),
                policy,
                folder / f"worker-{number}.log",
                f"worker {number}",
            )
            for number, port in enumerate(worker_ports)
        ]
        for each in (*processes.values(), *supervised):
            each.start()
            running.callback(each.stop)
        yield Stack(settings.connection, supervised, processes, notifications)


def _webhook(ports: Ports, token: Path, notifications: Path) -> list[str]:
    files = ("--token-file", str(token), "--out", str(notifications))
    return bearwatch_command("webhook", "--listen", f"{HOST}:{ports.webhook}", *files)


def _evidence(ports: Ports, settings: WorkerSettings) -> list[str]:
    listen = ("--listen", f"{HOST}:{ports.evidence}")
    manager = ("--alertmanager", f"http://{HOST}:{ports.alertmanager}")
    return bearwatch_command("alerts", "serve", *_kafka(settings), *listen, *manager)


def _kafka(settings: WorkerSettings) -> list[str]:
    return [*connection_flags(settings.connection), "--prefix", settings.prefix]


def _alertmanager(executable: Path, folder: Path, ports: Ports) -> list[str]:
    return [
        str(executable),
        f"--config.file={folder / 'alertmanager.yml'}",
        f"--storage.path={folder / 'data'}",
        f"--web.listen-address={HOST}:{ports.alertmanager}",
        "--cluster.listen-address=",
    ]


def _prometheus(executable: Path, ports: Ports) -> list[str]:
    """To be run in its folder: it would take [ or * in the path of a rule file for a pattern."""
    return [
        str(executable),
        "--config.file=prometheus.yml",
        "--storage.tsdb.path=data",
        f"--web.listen-address={HOST}:{ports.prometheus}",
    ]
