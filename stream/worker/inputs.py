"""The partitions of the input topics: which there are, and which of them no worker of the group holds."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiokafka import TopicPartition

from stream.kafka.offsets import OffsetsClient


@dataclass
class InputPartitions:
    """Partitions may be added to an input topic while workers run; records wait in them until a worker takes them."""

    offsets_client: OffsetsClient
    topics: Sequence[str]
    known: set[TopicPartition] = field(default_factory=set)
    _held: frozenset[TopicPartition] = frozenset()  # when the group was last asked and was at rest

    async def unheld(self) -> set[TopicPartition]:
        """Ask the broker, once a second; gives the partitions that no worker holds.

        The group is asked only while one may be missing. While it rebalances nothing is known; what was held before
        is taken to be held, as it is given to somebody again.
        """
        counts = await self.offsets_client.partition_counts(self.topics)
        self.known |= {
            TopicPartition(topic, number) for topic, count in counts.items() for number in range(count)
        }
        if self.known - self._held and (held := await self.offsets_client.held()) is not None:
            self._held = held
        return self.known - self._held
