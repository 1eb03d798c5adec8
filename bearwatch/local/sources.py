"""Which feed a name on the command line stands for: the sample world, or a file of JSON lines."""

import time
from collections.abc import Callable
from pathlib import Path

import click

from bearwatch.sample.live import SampleFeed
from stream.ingest.feeds import Feed, FileFeed
from stream.ingest.producer import DocumentProducer
from stream.kafka.admin import newest_timestamp_ms
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames

SAMPLE = "sample"
SEED = 7  # of the sample world


def check_feed(feed: str) -> None:
    """Refuse a name that is no feed, before anything is started.

    Raises:
        click.BadParameter: it is neither `sample` nor a file.
    """
    if feed != SAMPLE and not Path(feed).is_file():
        raise click.BadParameter(f"{feed} is neither `sample` nor a file", param_hint="feed")


def open_feed(
    feed: str,
    sender: DocumentProducer,
    connection: KafkaConnection,
    names: TopicNames,
    folder: Path,
    say: Callable[[str], None],
) -> Feed:
    """The feed, going on where its last start in this data directory ended; `say` is told of refused lines."""
    check_feed(feed)

    def newest_ms(stream: str) -> int | None:
        return newest_timestamp_ms(connection, names.input(stream))

    progress = folder / "feed.json"
    if feed == SAMPLE:
        return SampleFeed(sender, newest_ms, progress, SEED, time.time())
    return FileFeed(
        sender, newest_ms, progress, Path(feed), lambda line, reason: say(f"line {line}: {reason}")
    )
