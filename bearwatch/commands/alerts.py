"""`bearwatch alerts`: list, show, acknowledge and snooze alerts; serve pages about them."""

import asyncio
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

from alerting.evidence.acknowledgements import Acknowledgement, Answer, decode
from alerting.evidence.history import AlertHistory
from alerting.evidence.server import Evidence
from alerting.notify.silences import Alertmanager
from bearwatch.answers.answering import answer
from bearwatch.answers.silence_expiry import expire_silences_until_cancelled
from bearwatch.core.console import echo
from bearwatch.options import Address
from bearwatch.serving import serve
from bearwatch.settings import settings
from bearwatch.terminal import alert_text
from stream.kafka.admin import require_topics
from stream.kafka.connection import KafkaConnection
from stream.kafka.follow import Follower
from stream.kafka.topics import TopicNames

Command = TypeVar("Command", bound=Callable[..., Any])
UNIT_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST = timedelta(days=30)


class Duration(click.ParamType):
    """A duration: 30m, 2h, 1h30m, 1d."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        if not re.fullmatch(r"([0-9]{1,6}[smhd])+", value):
            self.fail(f"{value!r} is not a duration; write 30m, 2h or 1d", param, ctx)
        parts = re.findall(r"([0-9]+)([smhd])", value)
        length = timedelta(seconds=sum(int(count) * UNIT_SECONDS[unit] for count, unit in parts))
        if not timedelta(0) < length <= LONGEST:
            self.fail(f"{value} is not between 1s and {LONGEST.days}d", param, ctx)
        return length


@click.group
@click.pass_context
def command(ctx: click.Context) -> None:
    """The alerts of the alerts topic, and people's answers to them."""
    ctx.default_map = dict.fromkeys(command.commands, ctx.default_map)


@command.command("list")
@settings("broker", "prefix")
@click.option("--json", "as_json", is_flag=True, help="JSON lines, with everything that `show` shows.")
def list_command(connection: KafkaConnection, prefix: str, as_json: bool) -> None:
    """List all alerts, newest first: id, severity, start, key, counts, state."""
    now = datetime.now(UTC)
    for record in history(connection, prefix).newest_first():
        echo(alert_text.as_json(record) if as_json else alert_text.row(record, now))


@command.command
@click.argument("alert_id", metavar="ID")
@settings("broker", "prefix")
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def show(alert_id: str, connection: KafkaConnection, prefix: str, as_json: bool) -> None:
    """Show one alert: counts, leading stories with sources, words and links, acknowledgements."""
    record = history(connection, prefix).find(alert_id)
    if as_json:
        echo(alert_text.as_json(record))
    else:
        echo("\n".join(alert_text.page(record, datetime.now(UTC))))


def answer_options(command: Command) -> Command:
    for option in (
        click.option("--note", required=True, metavar="TEXT", help="Why."),
        click.option("--by", required=True, metavar="NAME", help="Who."),
        click.option(
            "--for",
            "length",
            type=Duration(),
            default="2h",
            show_default=True,
            help="30m, 2h, 1d; 30d at most.",
        ),
        settings("broker", "prefix", "alertmanager"),
        click.argument("alert_id", metavar="ID"),
    ):
        command = option(command)
    return command


@command.command
@answer_options
def ack(**options: Any) -> None:
    """Record that somebody is working on an alert; with --alertmanager it pages nobody in the meantime.

    The silence matches the alert's stream, topic (or entity) and kind, also if it becomes critical; the webhook is
    still notified when the alert resolves. A later answer replaces an earlier one. Unless `alerts serve
    --alertmanager` expires the silence after the alert has resolved, it also matches the key's next alerts.
    """
    record_answer("acknowledged", **options)


@command.command
@answer_options
def snooze(**options: Any) -> None:
    """Postpone an alert; with --alertmanager it pages nobody in the meantime.

    The silence matches the alert's stream, topic (or entity) and kind, also if it becomes critical; the webhook is
    still notified when the alert resolves. A later answer replaces an earlier one. Unless `alerts serve
    --alertmanager` expires the silence after the alert has resolved, it also matches the key's next alerts.
    """
    record_answer("snoozed", **options)


def record_answer(
    state: Answer,
    alert_id: str,
    length: timedelta,
    by: str,
    note: str,
    alertmanager: Alertmanager | None,
    connection: KafkaConnection,
    prefix: str,
) -> None:
    for name, text in (("--by", by), ("--note", note)):
        if not 0 < len(text.strip()) <= 1000:
            raise click.UsageError(f"{name} must have between 1 and 1000 characters")
    record = history(connection, prefix).find(alert_id)
    now = datetime.now(UTC)
    acknowledgement = Acknowledgement(
        id=alert_id,
        key=record.alert.key,
        state=state,
        by=by.strip(),
        note=note.strip(),
        at=now,
        until=now + length,
    )
    written = answer(record, acknowledgement, connection, TopicNames(prefix).alerts, alertmanager)
    silence = f"silence {written.silence}" if written.silence else "no --alertmanager: it still pages"
    echo(f"{alert_id} {state} until {written.until:%Y-%m-%d %H:%M:%S} UTC; {silence}")


@command.command("serve")
@settings("broker", "prefix", "alertmanager")
@click.option("--listen", type=Address(), default="127.0.0.1:9110", show_default=True, help="Where to serve.")
def serve_command(
    connection: KafkaConnection, prefix: str, listen: tuple[str, int], alertmanager: Alertmanager | None
) -> None:
    """Serve read-only pages to which notifications link: /alerts, /alerts/ID, /runbooks/NAME, /healthz.

    There is no login: anybody who can reach the address can read the headlines. With --alertmanager, a silence made by
    `ack` or `snooze` expires ten minutes after its alert has resolved; without, it lasts until its own end.
    """
    topic = TopicNames(prefix).alerts
    require_topics(connection, [topic])
    evidence = Evidence()
    follower = Follower(connection, topic, decode, evidence.history.add, skipped=evidence.skipped)
    work = [follower.follow(evidence.seen)]
    if alertmanager is not None:
        work.append(expire_silences_until_cancelled(alertmanager, evidence.history))
    serve(evidence.app(), listen, "evidence", work)


def history(connection: KafkaConnection, prefix: str) -> AlertHistory:
    """All alerts and answers that the topic holds now."""
    found = AlertHistory()
    asyncio.run(Follower(connection, TopicNames(prefix).alerts, decode, found.add).read())
    return found
