"""The live view of `bearwatch up`: from a snapshot and alerts to a screen, or to plain lines."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from textwrap import shorten

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from alerting.alerts import Alert
from alerting.evidence.wording import counts_in_words, title
from bearwatch.core.key import Key
from bearwatch.core.printable import printable
from bearwatch.core.times import utc
from bearwatch.terminal.snapshot import WINDOW, KeyStatistics, Snapshot

KEYS_SHOWN = 14
HEADLINE_CHARACTERS = 110
STATE_STYLES = {"serving": "green", "recovering": "yellow", "starting": "yellow", "stuck": "bold red"}


@dataclass(frozen=True)
class Place:
    """Something else to look at, such as the log, and where it is."""

    name: str
    where: str


def screen(
    snapshot: Snapshot, per_second: float, alerts: Iterable[Alert], places: Iterable[Place], now: datetime
) -> RenderableType:
    """The screen; `per_second` is documents per second, `now` the time that the head shows."""
    active = [alert for alert in alerts if alert.state != "resolved" and not alert.historical]
    past = [alert for alert in alerts if alert.state == "resolved" or alert.historical]
    parts: list[RenderableType] = [_head(snapshot, per_second, now), _keys(snapshot.keys, active)]
    parts += [_alert(alert) for alert in active[-2:]]
    if past:
        parts.append(_past(past[-3:]))
    parts.append(_places(places))
    return Group(*parts)


def status_line(snapshot: Snapshot, per_second: float) -> str:
    """One plain line: the worker's state, its documents, its lag and its event time."""
    reached = "-" if snapshot.watermark is None else f"{utc(snapshot.watermark):%Y-%m-%d %H:%M:%S} UTC"
    return (
        f"{snapshot.state}: {snapshot.documents} documents, {per_second:.0f}/s, lag {snapshot.lag}, "
        f"event time {reached}"
    )


def alert_lines(alert: Alert) -> list[str]:
    """An alert in plain lines: title, counts, headlines."""
    when = " (historical)" if alert.historical else ""
    first = f"ALERT {alert.state}{when}: {title(alert)}"
    return [printable(first), f"  {counts_in_words(alert)}", *(f"  - {each}" for each in _headlines(alert))]


def _head(snapshot: Snapshot, per_second: float, now: datetime) -> Text:
    reached = "-" if snapshot.watermark is None else f"{utc(snapshot.watermark):%a %H:%M:%S}"
    head = Text.assemble(
        ("bearwatch ", "bold"),
        (f" {snapshot.state} ", f"reverse {STATE_STYLES.get(snapshot.state, 'red')}"),
        f"  {snapshot.documents:,} documents  {per_second:,.0f}/s  lag {snapshot.lag:,}"
        f"  event time {reached}  clock {now:%a %H:%M:%S} UTC",
    )
    if snapshot.dead_letters:
        head.append(f"  {snapshot.dead_letters} dead letters", "yellow")
    if snapshot.state == "stuck":
        head.append(f"\n{printable(snapshot.reason)}", "red")
    return head


def _keys(keys: Iterable[KeyStatistics], active: list[Alert]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="dim")
    for heading in ("stream", "topic or company"):
        table.add_column(heading, no_wrap=True)
    for heading in ("documents", f"stories {WINDOW}", f"negative {WINDOW}", "usual", "p"):
        table.add_column(heading, justify="right", no_wrap=True)
    firing = {Key.parse(alert.key) for alert in active}
    ordered = sorted(keys, key=lambda each: (each.key not in firing, -each.documents))
    for each in ordered[:KEYS_SHOWN]:
        table.add_row(
            each.key.stream,
            Text(printable(each.key.name)),
            f"{each.documents:,}" if each.key.dimension == "topic" else "",
            "" if each.stories is None else f"{each.stories:,}",
            _percent(each.negative_ratio),
            _percent(each.baseline_ratio),
            "" if each.p_value is None else f"{each.p_value:.1g}",
            style="bold red" if each.key in firing else "",
        )
    if len(ordered) > KEYS_SHOWN:
        table.add_row("", Text(f"and {len(ordered) - KEYS_SHOWN} more", "dim"))
    return table


def _alert(alert: Alert) -> Panel:
    lines = [
        Text(counts_in_words(alert), "bold"),
        *(Text(f"• {each}", no_wrap=True) for each in _headlines(alert)),
    ]
    # As Text: rich reads a title that is a string as markup, whatever the console says.
    return Panel(
        Group(*lines), title=Text(printable(f"ALERT {title(alert)}")), border_style="red", title_align="left"
    )


def _past(alerts: list[Alert]) -> Text:
    lines = [
        f"{alert.window_end:%a %H:%M} {alert.state}{', historical' if alert.historical else ''}: {title(alert)}"
        for alert in reversed(alerts)
    ]
    return Text("\n".join(map(printable, lines)), "dim")


def _places(places: Iterable[Place]) -> Text:
    return Text("\n".join(printable(f"{place.name:<10}{place.where}") for place in places), "dim")


def _headlines(alert: Alert) -> list[str]:
    return [
        printable(f"{shorten(each.text, HEADLINE_CHARACTERS, placeholder=' …')} [{each.source}]")
        for each in alert.evidence
    ]


def _percent(ratio: float | None) -> str:
    return "" if ratio is None else f"{ratio:.0%}"
