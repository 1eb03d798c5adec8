"""`bearwatch stack`: everything that docker-compose.yml describes but Grafana, as processes of this machine."""

import logging
import os
from pathlib import Path
from threading import Event
from typing import Any

import click

from bearwatch.core.stop_signals import on_stop_signal
from bearwatch.local.data_folder import UMASK
from bearwatch.local.ports import HOST
from bearwatch.local.sources import SAMPLE, check_feed, watch_list_of
from bearwatch.local.stack import stack
from bearwatch.local.stack_configuration import Ports
from bearwatch.local.up import LOCAL_KAFKA
from bearwatch.settings import WORKER_SETTINGS, settings
from stream.entities.watched import WatchedCompanies
from stream.settings import WorkerSettings

log = logging.getLogger("bearwatch.stack")


@click.command
@click.option("--feed", default=SAMPLE, show_default=True, metavar="sample|FILE.jsonl", help="What to read.")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".stack"),
    show_default=True,
    help="Kafka's records, configuration, logs and notifications; a second start continues from there.",
)
@click.option("--workers", type=click.IntRange(1), default=1, show_default=True, help="How many workers.")
@settings(*WORKER_SETTINGS)
def command(feed: str, data_dir: Path, workers: int, policy: Path | None, **chosen: Any) -> None:
    """Kafka, workers, a feed, Prometheus, Alertmanager, webhook receiver and evidence pages, until Ctrl-C.

    Prometheus and Alertmanager must be installed. The first worker's metrics are on --metrics-port, those of the
    others on free ports. A worker that exits is started again; when another process exits, everything stops.
    """
    check_feed(feed)
    stop = Event()
    on_stop_signal(stop.set)
    os.umask(UMASK)
    chosen["watch_list"] = watch_list_of(feed, chosen["watch_list"])
    WatchedCompanies(chosen["watch_list"])  # a mistake in it is reported here, not in a worker's log
    worker = WorkerSettings(LOCAL_KAFKA, **chosen)
    ports = Ports(worker=worker.metrics_port)
    with stack(data_dir, worker, ports, feed, policy, workers) as running:
        log.info(
            "Prometheus http://%s:%d, Alertmanager http://%s:%d",
            HOST,
            ports.prometheus,
            HOST,
            ports.alertmanager,
        )
        log.info("evidence http://%s:%d/alerts, Kafka %s", HOST, ports.evidence, running.connection)
        log.info("notifications are in %s, logs in the same folder", running.notifications)
        while not stop.wait(1):
            running.check()
    log.info("stopped")
