"""What a worker knows of a source partition and says of it in ticks."""

from aiokafka import TopicPartition

from stream.classify.progress import SourceProgress, tick
from stream.messages import Tick

NEWS = TopicPartition("bearwatch.news", 2)


def test_only_the_next_record_is_taken():
    progress = SourceProgress(offset=5, position=5, moved=0.0)
    assert progress.take(fetched_from=3, offset=5, now=1.0)
    assert not progress.take(fetched_from=4, offset=5, now=1.0), "it is on its way"
    assert progress.offset_gap_since is None
    assert not progress.take(fetched_from=7, offset=8, now=2.0), "6 must come first"
    assert not progress.take(fetched_from=9, offset=9, now=3.0)
    assert (progress.position, progress.offset_gap_since) == (6, 2.0)
    assert progress.take(fetched_from=6, offset=8, now=4.0), "6 and 7 are control records"
    assert (progress.position, progress.offset_gap_since) == (9, None)


def test_what_is_committed_shows():
    progress = SourceProgress(offset=5, position=8, moved=0.0)
    progress.advance(7, 100.0, now=1.0)
    assert (progress.offset, progress.position, progress.event_time, progress.moved) == (7, 8, 100.0, 1.0)
    progress.advance(8, 90.0, now=3.0)
    progress.advance(9, None, now=4.0)  # a dead letter
    assert (progress.offset, progress.event_time) == (9, 100.0)


def test_an_event_time_of_zero_is_a_time():
    progress = SourceProgress(offset=0, position=0, moved=0.0)
    progress.advance(1, 0.0, now=1.0)
    progress.advance(2, -0.0, now=1.0)
    assert progress.event_time == 0.0


def test_idle_is_measured_from_the_last_move_and_nothing_is_on_its_way():
    progress = SourceProgress(offset=0, position=0, moved=10.0)
    assert not progress.idle(14.9, 5.0)
    assert progress.idle(15.0, 5.0)
    progress.take(0, 0, now=15.0)
    assert not progress.idle(16.0, 5.0)


def test_dead_letters_do_not_keep_a_source_from_being_idle():
    """A bad record each four seconds held the watermark, and with it every alert."""
    progress = SourceProgress(offset=0, position=0, moved=10.0)
    for second in range(11, 20):
        progress.take(second - 11, second - 11, now=second)
        progress.advance(second - 10, None, now=second)
    assert (progress.offset, progress.idle(19.0, 5.0)) == (9, True)
    progress.take(9, 9, now=20.0)
    progress.advance(10, 50.0, now=20.0)
    assert not progress.idle(20.0, 5.0)


def test_a_tick_names_its_source():
    assert tick(NEWS, 7, 50.0) == Tick(source="bearwatch.news-2", offset=7, event_time=50.0)
    assert tick(NEWS, 7, None, 99.0) == Tick(source="bearwatch.news-2", offset=7, event_time=None, clock=99.0)
