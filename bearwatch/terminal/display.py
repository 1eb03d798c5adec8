"""Shows the live view: a screen that is redrawn, or plain lines where standard output is not a terminal."""

import time
from collections import deque
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Self

from rich.console import Console
from rich.live import Live

from bearwatch.core.console import echo
from bearwatch.terminal.snapshot import AlertReader, Snapshot
from bearwatch.terminal.view import Place, alert_lines, screen, status_line

REFRESH_SECONDS = 0.5
LINE_SECONDS = 5.0  # between two plain status lines
RATE_SECONDS = 5.0  # documents per second are a mean over so many


class Rate:
    """Documents per second, a mean over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque(maxlen=int(RATE_SECONDS / REFRESH_SECONDS))

    def update(self, documents: int, now: float) -> float:
        """Take the number of documents at `now` (seconds of a monotonic clock); returns documents per second."""
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
    """Plain lines: the state every few seconds, and each message about an alert."""

    def __init__(self, alerts: AlertReader, places: Sequence[Place]) -> None:
        self._alerts = alerts
        self._places = places
        self._rate = Rate()
        self._next = 0.0

    def __enter__(self) -> Self:
        for place in self._places:
            echo(f"{place.name}: {place.where}")
        return self

    def __exit__(self, *_: object) -> None: ...

    def show(self, snapshot: Snapshot) -> None:
        rate = self._rate.update(snapshot.documents, time.monotonic())
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + LINE_SECONDS
            echo(status_line(snapshot, rate))
        for alert in self._alerts.unread():
            echo("\n".join(alert_lines(alert)))
