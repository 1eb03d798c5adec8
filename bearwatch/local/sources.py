"""From a feed's name on the command line to the feed: the sample feed, or a file of JSON lines."""

import time
from collections.abc import Callable
from pathlib import Path

import click

from bearwatch import sample
from bearwatch.sample.live import SampleFeed
from stream.ingest.feeds import Feed, FileFeed
from stream.ingest.producer import DocumentProducer
from stream.kafka.admin import newest_timestamp_ms
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames

SAMPLE = "sample"
SEED = 7  # of the sample world
SAMPLE_WATCH_LIST = Path(sample.__file__).with_name("watch_list.csv")  # of its companies


def check_feed(feed: str) -> None:
    """Reject a name that is not a feed, before anything is started.

    Raises:
        click.BadParameter: it is neither `sample` nor a file.
    """
    if feed != SAMPLE and not Path(feed).is_file():
        raise click.BadParameter(f"{feed} is neither `sample` nor a file", param_hint="feed")


def watch_list_of(feed: str, chosen: Path | None) -> Path | None:
    """The chosen watch list; without one that of the sample feed, where it is the feed."""
    return SAMPLE_WATCH_LIST if chosen is None and feed == SAMPLE else chosen


def open_feed(
    feed: str,
    producer: DocumentProducer,
    connection: KafkaConnection,
    names: TopicNames,
    folder: Path,
    report: Callable[[str], None],
) -> Feed:
    """The feed, which continues where it last stopped in this data directory.

    Args:
        folder: the data directory.
        report: called with a message for each line that is rejected.

    Raises:
        click.BadParameter: it is neither `sample` nor a file.
        StreamError: the data directory holds the progress of another feed.
    """
    check_feed(feed)

    def newest_ms(stream: str) -> int | None:
        return newest_timestamp_ms(connection, names.input(stream))

    progress = folder / "feed.json"
    if feed == SAMPLE:
        return SampleFeed(producer, newest_ms, progress, SEED, time.time())
    return FileFeed(
        producer, newest_ms, progress, Path(feed), lambda line, reason: report(f"line {line}: {reason}")
    )
