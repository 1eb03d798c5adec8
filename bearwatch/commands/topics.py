"""`bearwatch topics`: create the Kafka topics, or show how existing ones differ."""

import click

from bearwatch.core.console import echo
from bearwatch.settings import settings
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames, create_topics


@click.command
@settings("broker", "prefix")
@click.option(
    "--partitions",
    type=click.IntRange(1),
    default=4,
    show_default=True,
    help="Of each topic; at most so many workers share the work.",
)
@click.option(
    "--replication",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="Copies of each partition; use 3 where documents must not be lost.",
)
@click.pass_context
def command(
    ctx: click.Context, connection: KafkaConnection, partitions: int, replication: int, prefix: str
) -> None:
    """Create the Kafka topics, or show how existing ones differ.

    Existing topics are not changed. The exit code is 1 when a topic is not as it must be; other sizes and retention
    times are reported, and may be intended.
    """
    report = create_topics(connection, TopicNames(prefix), partitions, replication)
    for name in report.created:
        echo(f"created {name}")
    for difference in report.tuned:
        echo(f"tuned   {difference}")
    for difference in report.wrong:
        echo(f"wrong   {difference}", err=True)
    if not (report.created or report.tuned or report.wrong):
        echo("all topics exist as expected")
    if report.wrong:
        ctx.exit(1)
