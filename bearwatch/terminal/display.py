"""Where the live view goes: a screen that is drawn anew, or lines where standard output is no terminal."""

import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self

import click
from rich.console import Console
from rich.live import Live

from bearwatch.terminal.snapshot import AlertReader, Snapshot
from bearwatch.terminal.view import Place, alert_lines, screen, status_line

REFRESH_SECONDS = 0.5
LINE_SECONDS = 5.0  # between two plain status lines
RATE_SECONDS = 5.0  # documents a second are a mean over these


class Rate:
    """Documents a second over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=int(RATE_SECONDS / REFRESH_SECONDS))

    def update(self, documents: int, now: float) -> float:
        """`now` is in seconds of a steady clock."""
        self._seen.append((now, documents))
        (then, before), (_, after) = self._seen[0], self._seen[-1]
        return max(0.0, (after - before) / (now - then)) if now > then else 0.0


class LiveScreen:
    """The whole view in a terminal."""

    def __init__(self, alerts: AlertReader, places: Sequence[Place], console: Console) -> None:
        self._alerts = alerts
        self._places = places
        self._rate = Rate()
        self._live = Live(console=console, auto_refresh=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, snapshot: Snapshot) -> None:
        rate = self._rate.update(snapshot.documents, time.monotonic())
        view = screen(snapshot, rate, self._alerts.all(), self._places, datetime.now(UTC))
        self._live.update(view, refresh=True)


class Lines:
    """Plain lines: the state every few seconds, each message about an alert."""

    def __init__(self, alerts: AlertReader, places: Sequence[Place]) -> None:
        self._alerts = alerts
        self._places = places
        self._rate = Rate()
        self._next = 0.0

    def __enter__(self) -> Self:
        for place in self._places:
            click.echo(f"{place.name}: {place.where}")
        return self

    def __exit__(self, *_: object) -> None: ...

    def show(self, snapshot: Snapshot) -> None:
        rate = self._rate.update(snapshot.documents, time.monotonic())
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_SECONDS
            click.echo(status_line(snapshot, rate))
        for alert in self._alerts.news():
            click.echo("\n".join(alert_lines(alert)))
