"""What a worker knows of a source partition and says of it in ticks."""

from aiokafka import TopicPartition

from stream.classify.progress import SourceProgress, ticks
from stream.messages import Tick

NEWS = TopicPartition("bearwatch.news", 2)


def test_records_follow_until_one_is_missing():
    progress = SourceProgress(offset=5, taken=5, moved=0.0)
    assert progress.follows(5)
    progress.take(5)
    assert progress.follows(6)
    assert not progress.follows(7)
    assert progress.follows(3), "one that comes again can be missing nothing"
    progress.take(3)
    assert progress.taken == 6


def test_advance_never_goes_back():
    progress = SourceProgress(offset=5, taken=5, moved=0.0)
    progress.advance(8, 100.0, now=1.0)
    progress.advance(7, 90.0, now=2.0)
    assert (progress.offset, progress.taken, progress.event_time, progress.moved) == (8, 8, 100.0, 2.0)
    progress.advance(9, None, now=3.0)  # a dead letter
    assert (progress.offset, progress.event_time) == (9, 100.0)


def test_an_event_time_of_zero_is_a_time():
    progress = SourceProgress(offset=0, taken=0, moved=0.0)
    progress.advance(1, 0.0, now=1.0)
    progress.advance(2, -0.0, now=1.0)
    assert progress.event_time == 0.0


def test_idle_is_measured_from_the_last_move():
    progress = SourceProgress(offset=0, taken=0, moved=10.0)
    assert not progress.idle(14.9, 5.0)
    assert progress.idle(15.0, 5.0)


def test_ticks_name_their_source_and_give_the_clock_only_at_the_end():
    progress = {NEWS: SourceProgress(7, 7, 0.0, 50.0)}
    assert ticks(progress) == [Tick(source="bearwatch.news-2", offset=7, event_time=50.0)]
    assert ticks(progress, {NEWS: 99.0}) == [
        Tick(source="bearwatch.news-2", offset=7, event_time=50.0, clock=99.0)
    ]
