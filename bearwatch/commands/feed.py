"""`bearwatch feed`: send the sample feed, or a file that may grow, to Kafka until SIGTERM or Ctrl-C."""

import logging
import os
import time
from pathlib import Path
from threading import Event

import click

from bearwatch.core.stop_signals import on_stop_signal
from bearwatch.local.data_folder import UMASK, data_folder
from bearwatch.local.sources import open_feed
from bearwatch.settings import settings
from stream.ingest.producer import DocumentProducer
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames

log = logging.getLogger("bearwatch.feed")


@click.command
@click.argument("feed", metavar="sample|FILE.jsonl")
@settings("broker", "prefix")
@click.option(
    "--data-dir",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(".bearwatch"),
    show_default=True,
    help="Holds the feed's progress; a second start continues from there.",
)
def command(feed: str, connection: KafkaConnection, prefix: str, data_dir: Path) -> None:
    """Send documents to Kafka: the history, then new documents as they come, until SIGTERM or Ctrl-C.

    Start the workers when the history has been sent, or before anything is sent.
    """
    stop = Event()
    on_stop_signal(stop.set)
    os.umask(UMASK)
    names = TopicNames(prefix)
    with DocumentProducer(connection, names) as producer:
        source = open_feed(feed, producer, connection, names, data_folder(data_dir), log.warning)
        log.info("%d documents of history sent; now live", source.catch_up(time.time()))
        source.follow(stop)
        log.info("stopped")
