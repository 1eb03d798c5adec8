"""What is fetched and not committed yet is counted in bytes, so that large records cannot fill the memory."""

from typing import NamedTuple

import pytest
from aiokafka import TopicPartition

from stream.worker.in_flight import InFlight

NEWS, MORE = TopicPartition("news", 0), TopicPartition("news", 1)


class Record(NamedTuple):
    offset: int
    value: bytes | None
    key: bytes | None = None


@pytest.fixture
def flight() -> InFlight:
    flight = InFlight(limit_bytes=100)
    flight.fetched(NEWS, [Record(4, b"x" * 50), Record(7, None, b"k" * 30)])
    return flight


def test_it_is_full_at_the_limit_over_all_partitions(flight: InFlight):
    assert not flight.full
    flight.fetched(MORE, [Record(0, b"x" * 20)])
    assert flight.full


def test_what_is_committed_is_no_longer_in_flight(flight: InFlight):
    flight.fetched(MORE, [Record(0, b"x" * 20), Record(1, b"x" * 50)])
    flight.committed({NEWS: 4, MORE: 0})
    assert flight.full, "the records at these offsets come next"
    flight.committed({NEWS: 7})
    assert flight.full, "30 + 70"
    flight.committed({MORE: 1})
    assert not flight.full
    flight.committed({NEWS: 8, MORE: 2})
    flight.fetched(NEWS, [Record(8, b"x" * 99)])
    assert not flight.full


def test_a_new_beginning_leaves_nothing(flight: InFlight):
    """After a rebalance records come again from the committed offset on; what lies in queues is dropped there."""
    flight.fetched(NEWS, [Record(8, b"x" * 99)])
    flight.sought()
    flight.fetched(NEWS, [Record(4, b"x" * 99)])
    assert not flight.full
    flight.committed({NEWS: 8})
    flight.fetched(NEWS, [Record(8, b"x" * 99)])
    assert not flight.full


def test_an_unknown_position_keeps_everything_in_flight(flight: InFlight):
    """A partition of `classified` whose state is still read: its messages wait."""
    flight.fetched(MORE, [Record(0, b"x" * 20)])
    flight.committed({})
    assert flight.full
