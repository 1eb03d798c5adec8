"""How far this worker has read the source partitions that it owns, and what it may say of them. Pure."""

from dataclasses import dataclass

from aiokafka import TopicPartition

from stream.kafka.positions import is_contiguous
from stream.messages import Tick


@dataclass
class SourceProgress:
    """One source partition. Records below `offset` are committed, those below `position` are on their way."""

    offset: int
    position: int  # the next record to go to the model
    moved: float  # when the last document came, in seconds of a steady clock
    event_time: float | None = None  # the largest one seen, in Unix seconds
    offset_gap_since: float | None = None  # steady clock; a later record came, the one at `position` did not

    def take(self, fetched_from: int, offset: int, now: float) -> bool:
        """Whether the record at `offset` goes to the model: it does if it is the next one.

        One below the position is on its way or committed. One that was fetched out of order waits until those before
        it have come: its result would be committed with an offset that passes over them.
        """
        if is_contiguous(self.position, fetched_from, offset):
            self.position = offset + 1
            self.offset_gap_since = None
            return True
        if offset > self.position and self.offset_gap_since is None:
            self.offset_gap_since = now
        return False

    def latest(self, event_time: float | None) -> float | None:
        """The largest event time once records with this one have been seen; None before the first document."""
        if event_time is None or self.event_time is None:
            return self.event_time if event_time is None else event_time
        return max(event_time, self.event_time)

    def advance(self, offset: int, event_time: float | None, now: float) -> None:
        """Everything below `offset` is committed; a batch of dead letters alone has no event time to show.

        Dead letters do not move a partition: it would not be idle for as long as they come, and hold the watermark.
        """
        self.offset = offset
        if event_time is not None:
            self.moved = now
        self.event_time = self.latest(event_time)

    def idle(self, now: float, idle_after_seconds: float) -> bool:
        """Whether nothing is on its way and no document came for so long."""
        return self.position == self.offset and now - self.moved >= idle_after_seconds


def reached(event_time: float, clock: float) -> float:
    """How far a record shows its partition to be: to its event time, or to the clock when it was read if that is
    earlier. A record that is stamped ahead says nothing about the records to come."""
    return min(event_time, clock)


def source_name(partition: TopicPartition) -> str:
    """The name under which ticks speak of a source partition."""
    return f"{partition.topic}-{partition.partition}"


def tick(
    partition: TopicPartition, offset: int, event_time: float | None, clock: float | None = None
) -> Tick:
    """How far a source partition is; `clock` is given for one that the clock carries on."""
    return Tick(source=source_name(partition), offset=offset, event_time=event_time, clock=clock)
