"""`bearwatch ingest`: send documents from JSON lines to Kafka."""

import os
from datetime import UTC, datetime
from types import TracebackType
from typing import IO, NoReturn, Self

import click
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TimeElapsedColumn
from rich.text import Text

from bearwatch.core.console import PlainConsole
from bearwatch.core.stop_signals import on_stop_signal
from bearwatch.core.streams import STREAMS
from bearwatch.settings import Finite, settings
from stream.ingest.lines import ingest, numbered_lines
from stream.ingest.producer import DocumentProducer
from stream.ingest.timestamps import HistoryTimestamps, ReplayTimestamps, TimestampAssigner, live_timestamp
from stream.kafka.admin import newest_timestamp_ms
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames


@click.command
@click.argument("file", type=click.File("rb"), metavar="FILE.jsonl|-")
@settings("broker", "prefix")
@click.option(
    "--stream", type=click.Choice(STREAMS), help="Stream of every line. [default: the line's field `stream`]"
)
@click.option(
    "--history", is_flag=True, help="Use published_at as the event time; must be sent before anything newer."
)
@click.option(
    "--speed",
    type=Finite(0, min_open=True),
    help="Replay: wait as published_at says, X times as fast.",
)
@click.pass_context
def command(
    ctx: click.Context,
    file: IO[bytes],
    connection: KafkaConnection,
    stream: str | None,
    history: bool,
    speed: float | None,
    prefix: str,
) -> None:
    """Send documents to Kafka, one JSON object per line.

    A line that cannot be sent is reported by its number and the other lines are sent; the exit code is then 1.
    """
    if history and speed is not None:
        raise click.UsageError("--history is sent as fast as possible; leave out --speed")
    names = TopicNames(prefix)
    on_stop_signal(_interrupt)
    with DocumentProducer(connection, names) as producer, Report(producer) as report:
        try:
            lines = numbered_lines(report.watch(file))
            timestamps = choose_timestamps(connection, names, stream, history, speed)
            ingest(lines, stream, timestamps, producer, report.reject)
            producer.flush()
        except KeyboardInterrupt:
            producer.flush()
            ctx.exit(130)
    if report.rejected:
        ctx.exit(1)


def _interrupt() -> NoReturn:
    raise KeyboardInterrupt


def choose_timestamps(
    connection: KafkaConnection, names: TopicNames, stream: str | None, history: bool, speed: float | None
) -> TimestampAssigner:
    if history:
        streams = STREAMS if stream is None else (stream,)
        newest = {each: newest_timestamp_ms(connection, names.input(each)) for each in streams}
        return HistoryTimestamps(newest.__getitem__, datetime.now(UTC))
    return live_timestamp if speed is None else ReplayTimestamps(speed)


class SentColumn(ProgressColumn):
    """How many documents are confirmed."""

    def __init__(self, producer: DocumentProducer) -> None:
        super().__init__()
        self._producer = producer

    def render(self, task: Task) -> Text:
        return Text(f"{self._producer.sent:,} documents sent")


class Report:
    """A progress bar where standard error is a terminal, a line for each rejected line, a summary at the end."""

    def __init__(self, producer: DocumentProducer) -> None:
        self.rejected = 0
        self._producer = producer
        columns = (SentColumn(producer), BarColumn(), TimeElapsedColumn())
        console = PlainConsole(stderr=True)
        self._progress = Progress(*columns, console=console, disable=not console.is_terminal)

    def watch(self, file: IO[bytes]) -> IO[bytes]:
        """The same file, with a progress bar for what is read."""
        size = os.fstat(file.fileno()).st_size
        if not size:  # a pipe: its length is not known
            self._progress.add_task("", total=None)
            return file
        return self._progress.wrap_file(file, total=size)  # type: ignore[arg-type]

    def reject(self, number: int, reason: str) -> None:
        self.rejected += 1
        self._print(f"line {number}: {reason}")

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()
        self._print(f"{self._producer.sent} sent, {self.rejected} rejected")

    def _print(self, message: str) -> None:
        self._progress.console.print(message, soft_wrap=True)
