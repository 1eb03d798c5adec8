"""Event-time timers: one a key, given by time and then by name, whatever was set before."""

from hypothesis import given
from hypothesis import strategies as st

from stream.aggregate.timers import EventTimeTimers


def test_timers_come_by_time_and_then_by_name():
    timers = EventTimeTimers()
    for name, time in (("c", 30), ("b", 15), ("d", 15), ("a", 30)):
        timers.set(name, time)
    assert list(timers.due(30)) == [(15, "b"), (15, "d"), (30, "a"), (30, "c")]


def test_a_timer_is_due_at_its_time_and_not_before_and_only_once():
    timers = EventTimeTimers()
    timers.set("a", 30)
    assert list(timers.due(29)) == []
    assert timers.get("a") == 30
    assert list(timers.due(30)) == [(30, "a")]
    assert timers.get("a") is None
    assert list(timers.due(1000)) == []


def test_a_new_timer_replaces_the_one_before():
    timers = EventTimeTimers()
    timers.set("a", 15)
    timers.set("a", 45)
    assert timers.get("a") == 45
    assert list(timers.due(30)) == []
    timers.set("a", 30)
    assert list(timers.due(60)) == [(30, "a")]


def test_a_timer_set_back_to_a_former_time_comes_once():
    timers = EventTimeTimers()
    for time in (15, 45, 15):
        timers.set("a", time)
    assert list(timers.due(60)) == [(15, "a")]


def test_none_removes_a_timer_and_only_that_one():
    timers = EventTimeTimers()
    timers.set("a", 15)
    timers.set("b", 15)
    timers.set("a", None)
    timers.set("c", None)
    assert timers.get("a") is None
    assert list(timers.due(15)) == [(15, "b")]


def test_a_timer_set_while_others_are_due_comes_in_the_same_round():
    """A key is evaluated and says when it wants to be next: a tick may pass several of its pane ends."""
    timers, given_out = EventTimeTimers(), []
    timers.set("a", 15)
    timers.set("b", 25)
    for time, name in timers.due(45):
        given_out.append((time, name))
        timers.set(name, time + 20)
    assert given_out == [(15, "a"), (25, "b"), (35, "a"), (45, "b")]
    assert (timers.get("a"), timers.get("b")) == (55, 65)


actions = st.tuples(st.sampled_from("abc"), st.none() | st.integers(0, 9), st.none() | st.integers(0, 9))


@given(st.lists(actions, max_size=40))
def test_they_are_a_dictionary_of_times_that_is_emptied_in_order(drawn):
    timers, times = EventTimeTimers(), {}
    for name, time, limit in drawn:
        timers.set(name, time)
        times[name] = time
        if limit is not None:
            due = sorted((time, name) for name, time in times.items() if time is not None and time <= limit)
            assert list(timers.due(limit)) == due
            times.update({name: None for _, name in due})
        assert all(timers.get(name) == time for name, time in times.items())
