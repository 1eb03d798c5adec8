"""How many bytes a worker has in its hands: fetched, not committed yet. Knows no Faust.

Faust bounds the number of messages in its queues, and 2,000 messages may have 2 GB.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any

from aiokafka import TopicPartition

LIMIT_BYTES = 32 * 2**20  # of values and keys; a batch of documents of the usual size has a tenth of a MiB
MESSAGES_AT_ONCE = 16  # of up to BATCH_BYTES together: so much more than the limit may be fetched


class InFlight:
    """The records that were fetched since the consumer last sought, by partition, until their offset is committed."""

    def __init__(self, limit_bytes: int = LIMIT_BYTES) -> None:
        self._limit_bytes = limit_bytes
        self._records: dict[TopicPartition, deque[tuple[int, int]]] = {}  # offset, bytes
        self._bytes = 0

    @property
    def full(self) -> bool:
        """Whether nothing more should be fetched before something is committed."""
        return self._bytes >= self._limit_bytes

    def sought(self) -> None:
        """Everything will be fetched again from the committed offset on; what lies in queues is dropped there."""
        self._records, self._bytes = {}, 0

    def fetched(self, partition: TopicPartition, records: Sequence[Any]) -> None:
        held = self._records.setdefault(partition, deque())
        for record in records:
            size = len(record.key or b"") + len(record.value or b"")
            held.append((record.offset, size))
            self._bytes += size

    def committed(self, positions: Mapping[TopicPartition, int]) -> None:
        """All below these offsets is committed."""
        for partition, held in self._records.items():
            position = positions.get(partition, 0)
            while held and held[0][0] < position:
                self._bytes -= held.popleft()[1]
