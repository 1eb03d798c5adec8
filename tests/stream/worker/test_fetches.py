"""From which offset on was looked for a record: what is claimed to be invisible was looked at and not seen."""

from dataclasses import dataclass

import pytest
from aiokafka import TopicPartition

from stream.worker.fetches import FetchLog

NEWS, MORE = TopicPartition("news", 0), TopicPartition("news", 1)
ASSIGNMENT, LATER = object(), object()


@dataclass(frozen=True)
class Record:
    offset: int


@pytest.fixture
def log() -> FetchLog:
    """Fetching begins at 10."""
    log = FetchLog()
    log.sought(log.seeking(), ASSIGNMENT, {NEWS: 10, MORE: 0})
    return log


def fetch(log: FetchLog, *offsets: int) -> list[tuple[int, int]]:
    return [(begin, record.offset) for begin, record in log.fetched(NEWS, list(map(Record, offsets)))]


def test_records_are_chained_from_where_the_consumer_sought(log: FetchLog):
    assert log.holds(ASSIGNMENT)
    assert fetch(log, 12, 13, 17) == [(10, 12), (13, 13), (14, 17)]
    assert fetch(log, 20) == [(18, 20)]


def test_nothing_is_claimed_of_what_lies_before_an_earlier_record(log: FetchLog):
    """The partition was truncated, and aiokafka began from the start."""
    fetch(log, 12)
    assert fetch(log, 3, 5) == [(3, 3), (4, 5)]


def test_what_is_fetched_while_it_seeks_cannot_be_noted(log: FetchLog):
    seek = log.seeking()
    assert not log.holds(ASSIGNMENT)
    log.sought(seek, ASSIGNMENT, {NEWS: 4})
    assert log.holds(ASSIGNMENT)
    assert fetch(log, 4) == [(4, 4)]


def test_of_two_seeks_at_once_the_later_one_counts(log: FetchLog):
    """The first one's offsets are old by the time that it ends: records behind them may have been fetched."""
    first, second = log.seeking(), log.seeking()
    log.sought(first, ASSIGNMENT, {NEWS: 4})
    assert not log.holds(ASSIGNMENT)
    log.sought(second, ASSIGNMENT, {NEWS: 6})
    assert fetch(log, 8) == [(6, 8)]


def test_another_assignment_is_noted_once_it_was_sought(log: FetchLog):
    assert not log.holds(LATER)
    assert not log.holds(None)
    log.sought(log.seeking(), LATER, {NEWS: 30})
    assert log.holds(LATER) and not log.holds(ASSIGNMENT)


def test_the_next_visible_offset(log: FetchLog):
    assert log.next_visible(NEWS, 10) == 10, "nothing was fetched yet"
    fetch(log, 12)
    log.reached({NEWS: 16})
    assert log.next_visible(NEWS, 13) == 16, "13 to 15 are control records"
    assert log.next_visible(NEWS, 12) == 12, "12 lies in a queue"
    assert log.next_visible(NEWS, 20) == 20
    assert log.next_visible(MORE, 0) == 0
