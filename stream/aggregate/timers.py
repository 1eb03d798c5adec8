"""Event-time timers: when each key must be evaluated next. Pure."""

import heapq
from collections.abc import Iterator


class EventTimeTimers:
    """One timer a key; a new one replaces the one before. Times are pane ends in Unix seconds."""

    def __init__(self) -> None:
        self._times: dict[str, int] = {}
        self._heap: list[tuple[int, str]] = []  # holds replaced timers too, until their time comes

    def set(self, name: str, time: int | None) -> None:
        """Set the timer of a key; None removes it."""
        if time is None:
            self._times.pop(name, None)
        elif self._times.get(name) != time:
            self._times[name] = time
            heapq.heappush(self._heap, (time, name))

    def get(self, name: str) -> int | None:
        return self._times.get(name)

    def due(self, limit: int) -> Iterator[tuple[int, str]]:
        """Remove and give the timers up to `limit`, by time and then by name; some may be set meanwhile."""
        while self._heap and self._heap[0][0] <= limit:
            time, name = heapq.heappop(self._heap)
            if self._times.get(name) == time:
                del self._times[name]
                yield time, name
