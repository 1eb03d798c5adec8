"""What the consumer has looked at, per partition: which offsets of its topics nobody will ever see. Knows no Faust.

It is written by the consumer's thread and read by the event loop's; what is read is replaced as a whole.
"""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from aiokafka import TopicPartition


class Looked(NamedTuple):
    """Nothing visible stands in [delivered, position)."""

    delivered: int  # the offset behind the last record that was fetched, or where fetching began
    position: int  # the offset that is fetched next


class FetchLog:
    """Notes for every record from which offset on was looked for it.

    What is noted must never reach too far back: the records in between would be passed over. So what is fetched while
    the consumer seeks, or after a rebalance and before it seeks, is not noted but put back.
    """

    def __init__(self) -> None:
        self._seeks = 0
        self._assignment: object = None  # of aiokafka, for which `_delivered` holds
        self._delivered: dict[TopicPartition, int] = {}
        self._looked: Mapping[TopicPartition, Looked] = {}

    def seeking(self) -> int:
        """The consumer begins to seek; returns the argument for `sought`."""
        self._seeks += 1
        self._assignment = None
        return self._seeks

    def sought(self, seek: int, assignment: object, offsets: Mapping[TopicPartition, int]) -> None:
        """It has, to these offsets; without effect if another seek has begun meanwhile."""
        if seek == self._seeks:
            self._assignment, self._delivered = assignment, dict(offsets)

    def holds(self, assignment: object) -> bool:
        """Whether what is fetched under this assignment can be noted."""
        return assignment is not None and assignment is self._assignment

    def fetched(self, partition: TopicPartition, records: Sequence[Any]) -> list[tuple[int, Any]]:
        """Each record of one fetch behind the offset from which on was looked for it."""
        noted = []
        looked_from = min(self._delivered.get(partition, records[0].offset), records[0].offset)
        for record in records:
            noted.append((looked_from, record))
            looked_from = record.offset + 1
        self._delivered[partition] = looked_from
        return noted

    def reached(self, positions: Mapping[TopicPartition, int]) -> None:
        """Where the consumer stands after a fetch, all of whose records were noted."""
        delivered = self._delivered
        self._looked = {
            each: Looked(delivered[each], position)
            for each, position in positions.items()
            if each in delivered
        }

    def next_visible(self, partition: TopicPartition, offset: int) -> int:
        """The offset from which on a record may stand, for one who has handled all below `offset`."""
        looked = self._looked.get(partition)
        if looked is None or looked.delivered > offset:
            return offset  # what was fetched lies in a queue
        return max(offset, looked.position)
