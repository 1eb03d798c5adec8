"""`bearwatch feed`: the sample world, or a file that may grow, into Kafka until it is told to stop."""

import logging
import signal
import time
from pathlib import Path
from threading import Event

import click

from bearwatch.local.sources import open_feed
from bearwatch.local.up import data_folder
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
    help="Keeps how far the feed has come; a second start goes on from there.",
)
def command(feed: str, connection: KafkaConnection, prefix: str, data_dir: Path) -> None:
    """Send documents into Kafka: history first, then what comes, until SIGTERM or Ctrl-C.

    Start the workers when the history is in, or before anything was ever sent.
    """
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    names = TopicNames(prefix)
    with DocumentProducer(connection, names) as sender:
        source = open_feed(feed, sender, connection, names, data_folder(data_dir), log.warning)
        log.info("%d documents of history sent; going on live", source.catch_up(time.time()))
        source.follow(stop)
        log.info("stopped")
