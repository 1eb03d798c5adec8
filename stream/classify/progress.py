"""How far this worker has read the source partitions that it owns, and what it may say of them. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass

from aiokafka import TopicPartition

from stream.messages import Tick


@dataclass
class SourceProgress:
    """One source partition: results up to `offset` stand in `classified`, records up to `taken` are on their way."""

    offset: int
    taken: int
    moved: float  # when it last moved, in seconds of a steady clock
    event_time: float | None = None
    gap_since: float | None = None  # a later record came, the one at `taken` did not

    def take(self, offset: int) -> None:
        """The record at `offset` goes to the model."""
        self.taken = max(self.taken, offset + 1)
        self.gap_since = None

    def wait(self, now: float) -> None:
        """A record was left out, because others must come first."""
        if self.gap_since is None:
            self.gap_since = now

    def follows(self, offset: int) -> bool:
        """Whether no record can be missing between those taken and this one."""
        return offset <= self.taken

    def skip(self, end: int) -> None:
        """Nothing but control records (the ends of a feed's transactions) stands before `end`."""
        self.offset = max(self.offset, end)
        self.taken = max(self.taken, end)

    def advance(self, offset: int, event_time: float | None, now: float) -> None:
        """The record before `offset` is done; one that became a dead letter has no event time to show."""
        self.offset, self.moved = max(self.offset, offset), now
        self.taken = max(self.taken, self.offset)
        if event_time is not None:
            self.event_time = max(event_time, self.event_time or event_time)

    def idle(self, now: float, idle_after_seconds: float) -> bool:
        return now - self.moved >= idle_after_seconds


def source_name(partition: TopicPartition) -> str:
    """The name under which a source partition makes claims."""
    return f"{partition.topic}-{partition.partition}"


def ticks(
    progress: Mapping[TopicPartition, SourceProgress], at_end: Mapping[TopicPartition, float] | None = None
) -> list[Tick]:
    """A tick for each source partition; `at_end` holds the clock for those read to their end and idle."""
    clocks = at_end or {}
    return [
        Tick(
            source=source_name(partition),
            offset=each.offset,
            event_time=each.event_time,
            clock=clocks.get(partition),
        )
        for partition, each in progress.items()
    ]
