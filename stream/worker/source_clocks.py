"""Up to which time of the clock a source partition has been read, so that the watermark need not wait for it. Pure.

A partition that is read to its end and brings nothing is carried on by the clock. So is a live one, whatever it
brings: records with old timestamps would otherwise hold the watermark of every key for as long as they come. A
partition is live once it has brought a document that was read within half a minute of its timestamp, or was carried on
before: from then on its watermark is near the clock in any case. Until then it may hold history, which the clock must
not overtake.
"""

from collections.abc import Mapping
from typing import NamedTuple

from aiokafka import TopicPartition

LIVE_SECONDS = 30.0


class Standing(NamedTuple):
    """Where a source partition stands at a time of the clock."""

    read: int  # every visible record before it is committed
    end: int  # the offset behind the last record that was written
    idle: bool
    event_time: float | None  # the largest one seen, Unix seconds


class Snapshot(NamedTuple):
    """Where a partition ended at a time of the clock."""

    end: int
    clock: float


class SourceClocks:
    """Of the partitions that a worker holds.

    Args:
        delay_seconds: documents reach Kafka within this time of their timestamps; later ones may be late.
    """

    def __init__(self, delay_seconds: float) -> None:
        self._delay_seconds = delay_seconds
        self._live: set[TopicPartition] = set()
        self._snapshots: dict[TopicPartition, Snapshot] = {}

    def carry_on(
        self, standings: Mapping[TopicPartition, Standing], clock: float
    ) -> dict[TopicPartition, float]:
        """To which time of the clock partitions are carried on, in Unix seconds; those that are not are left out.

        Call once a second with all partitions; `clock` was read before the ends were asked for.
        """
        self._live &= standings.keys()
        self._snapshots = {each: at for each, at in self._snapshots.items() if each in standings}
        carried = {
            each: clock
            for each, standing in standings.items()
            if standing.idle and standing.read >= standing.end
        }
        for each, standing in standings.items():
            if standing.event_time is None:
                continue
            if each in carried or clock - standing.event_time <= LIVE_SECONDS:
                self._live.add(each)
            if each in self._live and (time := self._reached(each, standing, clock)) is not None:
                carried.setdefault(each, time)
        return carried

    def _reached(self, partition: TopicPartition, standing: Standing, clock: float) -> float | None:
        """The time of the last snapshot, if all that was written by then is read; then takes a new one."""
        before = self._snapshots.get(partition)
        if before is not None and standing.read < before.end:
            return None
        self._snapshots[partition] = Snapshot(standing.end, clock)
        return None if before is None else before.clock - self._delay_seconds
