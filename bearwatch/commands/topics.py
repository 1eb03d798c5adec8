"""`bearwatch topics`: create the Kafka topics, or say how existing ones differ."""

import click

from bearwatch.settings import settings
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames, create_topics


@click.command
@settings("broker", "prefix")
@click.option(
    "--partitions", type=click.IntRange(1), default=4, show_default=True, help="Bounds the workers."
)
@click.option(
    "--replication",
    type=click.IntRange(1),
    default=1,
    show_default=True,
    help="3 where documents must not be lost.",
)
@click.pass_context
def command(
    ctx: click.Context, connection: KafkaConnection, partitions: int, replication: int, prefix: str
) -> None:
    """Create the Kafka topics, or say how existing ones differ.

    Nothing that exists is changed. The exit code is 1 when a topic is not as it must be; other sizes and
    times of keeping are reported and may be meant.
    """
    report = create_topics(connection, TopicNames(prefix), partitions, replication)
    for name in report.created:
        click.echo(f"created {name}")
    for difference in report.tuned:
        click.echo(f"tuned   {difference}")
    for difference in report.wrong:
        click.echo(f"wrong   {difference}", err=True)
    if not (report.created or report.tuned or report.wrong):
        click.echo("all topics exist as expected")
    if report.wrong:
        ctx.exit(1)
