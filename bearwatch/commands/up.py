"""`bearwatch up`: everything on one machine, with a live view in the terminal."""

import logging
import os
import time
from contextlib import ExitStack
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Any

import click

from alerting.detection.policy import load_policy
from bearwatch.core.console import PlainConsole, echo
from bearwatch.core.logs import prepare
from bearwatch.core.stop_signals import interrupt_on_stop_signal
from bearwatch.local.data_folder import UMASK, data_folder
from bearwatch.local.processes import LOG_BYTES
from bearwatch.local.sources import SAMPLE, check_feed, open_feed, watch_list_of
from bearwatch.local.up import Running, local_broker, prepare_topics, require_free, running
from bearwatch.settings import WORKER_SETTINGS, seconds, settings
from bearwatch.terminal.display import REFRESH_SECONDS, Lines, LiveScreen
from bearwatch.terminal.snapshot import Snapshot, read_snapshot
from stream.entities.watched import WatchedCompanies
from stream.ingest.producer import DocumentProducer
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames
from stream.settings import WorkerSettings


@click.command
@click.option("--feed", default=SAMPLE, show_default=True, metavar="sample|FILE.jsonl", help="What to read.")
@click.option(
    # Not the setting `broker`: fictional news must not reach a Kafka that somebody set for production.
    *("--broker", "kafka"),
    metavar="HOST:PORT",
    help="Use this Kafka instead of starting one; only as a flag.",
)
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".bearwatch"),
    show_default=True,
    help="Holds Kafka's records, logs and the feed's progress; a second start continues from there.",
)
@click.option(
    "--until-alert", is_flag=True, help="Exit with 0 at the first firing alert that is not historical."
)
@click.option(
    "--for",
    "for_seconds",
    type=seconds,
    metavar="SECONDS",
    help="Stop after so many seconds.",
)
@settings(*WORKER_SETTINGS)
@click.pass_context
def command(
    ctx: click.Context,
    /,
    feed: str,
    kafka: str | None,
    data_dir: Path,
    until_alert: bool,
    for_seconds: float | None,
    policy: Path | None,
    **worker: Any,
) -> None:
    """Everything on one machine: a real Kafka, a worker, a feed and a live view.

    The sample feed is fictional: it sends the last four days, then continues live in the middle of a surge of
    bad news. Exit code 0 after --for, or at an alert with --until-alert; 1 if both are given and no alert fired.
    """
    check_feed(feed)
    os.umask(UMASK)
    load_policy(policy)  # a mistake in it is reported here, not in a worker's log; in a watch list too
    worker["watch_list"] = watch_list_of(feed, worker["watch_list"])
    WatchedCompanies(worker["watch_list"])
    report = PlainConsole(stderr=True, soft_wrap=True).print
    folder = data_folder(data_dir)
    _log_to(folder)
    with ExitStack() as stack, interrupt_on_stop_signal():
        stack.callback(report, "stopped; start again to continue from here")
        require_free(worker["metrics_host"], worker["metrics_port"])
        if kafka is None:
            report(f"starting Kafka in {folder / 'kafka'}")
        connection = KafkaConnection(kafka) if kafka else stack.enter_context(local_broker(folder))
        chosen = WorkerSettings(connection, **worker)
        names = TopicNames(chosen.prefix)
        prepare_topics(connection, names)
        producer = stack.enter_context(DocumentProducer(connection, names))
        source = open_feed(feed, producer, connection, names, folder, report)
        report(f"{source.catch_up(time.time()):,} documents of history sent; the worker classifies them")
        watched = stack.enter_context(running(chosen, policy, source, folder))
        ctx.exit(_watch(watched, chosen, until_alert, for_seconds))


def _log_to(folder: Path) -> None:
    """Log to a file, because the terminal shows the view."""
    handler = RotatingFileHandler(folder / "up.log", maxBytes=LOG_BYTES, backupCount=1)
    logging.getLogger().handlers = [prepare(handler)]


def _watch(running: Running, settings: WorkerSettings, until_alert: bool, for_seconds: float | None) -> int:
    """Show what happens until an alert or the time given ends it; returns the exit code."""
    started, console = time.time(), PlainConsole()
    deadline = None if for_seconds is None else time.monotonic() + for_seconds
    address = f"{settings.metrics_host}:{settings.metrics_port}"
    alerts, places = running.alerts, running.places
    with LiveScreen(alerts, places, console) if console.is_terminal else Lines(alerts, places) as display:
        while deadline is None or time.monotonic() < deadline:
            running.check()
            snapshot = read_snapshot(address)
            display.show(snapshot)
            if until_alert and _fires(running, snapshot, started):
                return 0
            time.sleep(REFRESH_SECONDS)
    if until_alert:
        echo(f"no alert fired within {for_seconds:g} s", err=True)
    return int(until_alert)


def _fires(running: Running, snapshot: Snapshot, started: float) -> bool:
    """Whether an alert fires; one of an earlier start counts once the worker has caught up and it still fires."""
    caught_up = snapshot.watermark is not None and snapshot.watermark >= started
    return any(caught_up or alert.detected_at.timestamp() >= started for alert in running.alerts.active())
