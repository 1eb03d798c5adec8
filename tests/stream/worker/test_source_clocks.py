"""When the clock carries a source partition on, and when it must not."""

import pytest
from aiokafka import TopicPartition

from stream.worker.source_clocks import LIVE_SECONDS, SourceClocks, Standing

NEWS, COMMENTS = TopicPartition("news", 0), TopicPartition("comments", 0)
NOW, DELAY = 1_800_000_000.0, 5.0


@pytest.fixture
def clocks() -> SourceClocks:
    return SourceClocks(DELAY)


def seconds(
    clocks: SourceClocks,
    count: int,
    *,
    event_time: float | None,
    behind: int = 1,
    step: int = 10,
    begin: int = 0,
) -> list[float | None]:
    """What is stated in each of some seconds, as seconds after NOW: `step` records come in each, `behind` wait."""
    stated = []
    for second in range(begin, begin + count):
        standing = Standing(second * step - behind, second * step, False, event_time)
        carried = clocks.carry_on({NEWS: standing}, NOW + second).get(NEWS)
        stated.append(None if carried is None else carried - NOW)
    return stated


@pytest.mark.parametrize("event_time", [None, 0.0, NOW - 86_400, NOW - LIVE_SECONDS - 1])
def test_history_is_not_overtaken(clocks: SourceClocks, event_time: float | None) -> None:
    assert seconds(clocks, 30, event_time=event_time) == [None] * 30


def test_a_live_partition_is_carried_on_whatever_comes_after(clocks: SourceClocks) -> None:
    """Its largest event time stays: all that comes is stamped in the past, or is rejected."""
    stated = seconds(clocks, 60, event_time=NOW - 20)
    assert stated == [None, *(second - DELAY for second in range(59))]
    assert seconds(clocks, 600, event_time=NOW - 20, begin=60)[-1] == 658 - DELAY, "long after it was live"


def test_a_live_partition_that_falls_behind_states_what_it_has_read(clocks: SourceClocks) -> None:
    """Three seconds of records wait: what was written three seconds ago has been read."""
    stated = seconds(clocks, 60, event_time=NOW, behind=30)
    assert max(time for time in stated if time is not None) >= 59 - 2 * 3 - DELAY
    for second, time in enumerate(stated):
        assert time is None or time <= second - 3 - DELAY


def test_one_that_reads_nothing_states_nothing(clocks: SourceClocks) -> None:
    standing = Standing(10, 20, False, NOW)
    assert [clocks.carry_on({NEWS: standing}, NOW + n) for n in range(5)] == [{}] * 5


def test_an_idle_partition_at_its_end_states_the_clock(clocks: SourceClocks) -> None:
    empty, ended, waiting = (
        Standing(0, 0, True, None), Standing(7, 7, True, 0.0), Standing(7, 8, True, NOW)
    )  # fmt: skip
    other = TopicPartition("news", 1)
    assert clocks.carry_on({NEWS: empty, COMMENTS: ended, other: waiting}, NOW) == {NEWS: NOW, COMMENTS: NOW}


def test_one_that_was_carried_on_is_live(clocks: SourceClocks) -> None:
    """What is stamped before is late already, so it cannot hold the clock by coming in a trickle."""
    clocks.carry_on({NEWS: Standing(0, 0, True, 0.0)}, NOW)
    assert seconds(clocks, 10, event_time=0.0, begin=1)[-1] is not None


def test_an_empty_one_that_was_carried_on_may_still_get_history(clocks: SourceClocks) -> None:
    clocks.carry_on({NEWS: Standing(0, 0, True, None)}, NOW)
    assert seconds(clocks, 10, event_time=NOW - 86_400, begin=1) == [None] * 10


def test_a_partition_that_was_given_back_begins_anew(clocks: SourceClocks) -> None:
    assert seconds(clocks, 10, event_time=NOW)[-1] is not None
    assert clocks.carry_on({}, NOW + 10) == {}
    assert seconds(clocks, 10, event_time=NOW - 86_400, begin=11) == [None] * 10


def test_a_clock_that_steps_back_states_no_more_than_it_shows(clocks: SourceClocks) -> None:
    seconds(clocks, 10, event_time=NOW)
    standing = Standing(200, 200, False, NOW)
    for step in range(5):
        (stated,) = clocks.carry_on({NEWS: standing}, NOW - 3600 + step).values()
        assert stated <= (NOW + 9 if step == 0 else NOW - 3600 + step) - DELAY
