"""How far event time has come on one partition of `classified`: pure, fed by ticks."""

from collections.abc import Iterable

import msgspec


class SourceWatermark(msgspec.Struct, frozen=True, array_like=True):
    """What is known of one source partition; times are Unix seconds and only grow."""

    event_time: float | None = None
    clock: float | None = None


class Watermark:
    """The minimum over all source partitions of the largest event time seen on each.

    With one maximum over all of them, a backlog read from two partitions at different speeds would make half of
    it late. A partition that was read to its end and is idle is advanced by the clock; one that nobody reads,
    or that is behind, holds the watermark. Where no partition holds a document yet there is no watermark, and the
    first document of a partition sets it back to that document's time, so that history may still come.
    """

    def __init__(
        self, sources: Iterable[str], source_watermarks: dict[str, SourceWatermark] | None = None
    ) -> None:
        known = source_watermarks or {}
        self.source_watermarks = {source: known.get(source, SourceWatermark()) for source in sources}

    def expect(self, source: str) -> None:
        """A source partition was added: until somebody reports on it, it holds the watermark."""
        self.source_watermarks.setdefault(source, SourceWatermark())

    def observe(self, source: str, event_time: float | None, clock: float | None) -> None:
        """Take what a tick says of a source partition.

        An older one (a tick repeated, a worker that comes back) changes nothing.
        """
        held = self.source_watermarks.get(source, SourceWatermark())
        if held.event_time is None and event_time is not None:
            held = SourceWatermark()  # the clock of an empty source does not bind the history that comes
        self.source_watermarks[source] = SourceWatermark(
            _later(held.event_time, event_time), _later(held.clock, clock)
        )

    @property
    def time(self) -> float | None:
        """The watermark in Unix seconds, before any lateness is taken off; None while it is not known."""
        if all(each.event_time is None for each in self.source_watermarks.values()):
            return None
        times = [_later(each.event_time, each.clock) for each in self.source_watermarks.values()]
        known = [time for time in times if time is not None]
        return min(known) if known and len(known) == len(times) else None


def _later(one: float | None, other: float | None) -> float | None:
    if one is None or other is None:
        return other if one is None else one
    return max(one, other)
