"""The alert state machine on levels and times alone: scores are made up, no formula takes part."""

from dataclasses import replace

import msgspec
import pytest

from alerting.detection.alert_state import AlertState, AlertTiming, Change, advance, own_window
from alerting.detector import Firing, Level, WindowCounts, WindowScore

TIMING = AlertTiming(
    evaluate_every_seconds=15,
    consecutive_evaluations=2,
    clear_evaluations=3,
    cool_down_seconds=60,
    max_firing_seconds=600,
)
CLEAR, ABOVE, ABNORMAL, CRITICAL = Level.CLEAR, Level.ABOVE_CLEAR, Level.ABNORMAL, Level.CRITICAL
LENGTHS = (60, 180, 600)
# A level alone stands for a window with its usual score.
Window = Level | tuple[Level, float | None]


def scores(time: float, *windows: Window) -> list[WindowScore]:
    """One window for each level, the shortest first; those left out are clear."""
    found = []
    for length, window in zip(LENGTHS, (*windows, CLEAR, CLEAR, CLEAR), strict=False):
        level, score = window if isinstance(window, tuple) else (window, float(window))
        counts = WindowCounts(length, time, 0, 0, 0, 0, 0)
        found.append(WindowScore(counts, score, None, None, level))
    return found


def run(
    *evaluations: tuple[Window, ...], start: float = 1000, state: AlertState | None = None
) -> tuple[AlertState, list[Change]]:
    """Evaluations 15 s apart from `start` on."""
    state, changes = state or AlertState(), []
    for number, windows in enumerate(evaluations):
        time = start + 15 * number
        state, change = advance(state, scores(time, *windows), time, TIMING)
        changes.append(change)
    return state, changes


def fired(severity: str = "warning", length: int = 60, since: float = 1000) -> AlertState:
    return AlertState(firing=Firing(since, length, severity))


def test_the_second_abnormal_evaluation_in_a_row_fires():
    state, changes = run((ABNORMAL,), (ABNORMAL,))
    assert [change.transition for change in changes] == [None, "firing"]
    assert changes[0] == Change()
    assert state == AlertState(firing=Firing(1015, 60, "warning"))
    assert changes[1].alert == state.firing
    assert changes[1].decisive is not None and changes[1].decisive.counts.window_seconds == 60


@pytest.mark.parametrize("between", [(CLEAR,), (ABOVE,)], ids=["clear", "above the clear threshold"])
def test_a_row_is_broken_by_an_evaluation_that_is_not_abnormal(between):
    state, changes = run((ABNORMAL,), between, (ABNORMAL,))
    assert [change.transition for change in changes] == [None, None, None]
    assert (state.abnormal_evaluations, state.abnormal_at) == (1, 1030)


def test_a_row_is_broken_by_an_evaluation_left_out():
    state, _ = run((ABNORMAL,))
    state, change = advance(state, scores(1016, ABNORMAL), 1016, TIMING)
    assert change.transition is None, "a second later than the next pane"
    assert (state.abnormal_evaluations, state.abnormal_at) == (1, 1016)
    assert advance(state, scores(1031, ABNORMAL), 1031, TIMING)[1].transition == "firing"


def test_a_row_goes_on_under_a_policy_with_shorter_panes_or_fewer_evaluations():
    state = AlertState(abnormal_evaluations=1, abnormal_at=1000)
    assert advance(state, scores(1005, ABNORMAL), 1005, TIMING)[1].transition == "firing"
    state = AlertState(abnormal_evaluations=4, abnormal_at=1000)
    assert advance(state, scores(1015, ABNORMAL), 1015, TIMING)[1].transition == "firing"


@pytest.mark.parametrize("wanted", [1, 3, 5])
def test_as_many_in_a_row_as_the_policy_asks_for(wanted):
    timing, state, found = replace(TIMING, consecutive_evaluations=wanted), AlertState(), []
    for number in range(wanted):
        time = 1000 + 15 * number
        state, change = advance(state, scores(time, ABNORMAL), time, timing)
        found.append(change.transition)
    assert found == [None] * (wanted - 1) + ["firing"]


def test_nothing_is_remembered_of_a_row_that_was_broken():
    assert run((ABNORMAL,), (CLEAR,))[0] == AlertState()


def test_the_abnormal_window_may_change_between_the_two():
    _, changes = run((ABNORMAL,), (CLEAR, ABNORMAL))
    assert changes[1].alert == Firing(1015, 180, "warning")


@pytest.mark.parametrize(
    ("windows", "length", "severity"),
    [
        (((ABNORMAL, 4.0), (ABNORMAL, 6.0), (ABNORMAL, 5.0)), 180, "warning"),
        (((CRITICAL, 9.0), (CRITICAL, 12.0), (CRITICAL, 10.0)), 180, "critical"),
        (((ABNORMAL, 15.0), (ABNORMAL, 4.0), (CRITICAL, 9.0)), 600, "critical"),
        (((ABNORMAL, 4.0), (ABNORMAL, 4.0), (ABOVE, 9.0)), 60, "warning"),
    ],
    ids=[
        "highest score",
        "highest critical score",
        "critical before a higher score",
        "shortest of equal ones",
    ],
)
def test_the_decisive_window(windows, length, severity):
    _, changes = run(windows, windows)
    assert changes[1].alert == Firing(1015, length, severity)
    assert changes[1].decisive == scores(1015, *windows)[LENGTHS.index(length)]


def test_a_warning_becomes_critical_once_on_the_window_with_the_highest_score():
    windows = ((CRITICAL, 9.0), (CRITICAL, 12.0), (CRITICAL, 10.0))
    state, changes = run((ABNORMAL,), windows, windows, state=fired())
    assert [change.transition for change in changes] == [None, "updated", None]
    assert state.firing == changes[1].alert == Firing(1000, 60, "critical"), "the same alert"
    assert changes[1].decisive == scores(1015, *windows)[1]
    assert changes[2].decisive == scores(1030, *windows)[0], "its own window again"


def test_a_critical_alert_stays_critical():
    state, changes = run((ABNORMAL,), (ABOVE,), (CRITICAL,), state=fired("critical"))
    assert state.firing == Firing(1000, 60, "critical")
    assert [change.transition for change in changes] == [None, None, None]


def test_an_alert_holds_while_its_window_is_above_the_clear_threshold():
    state, changes = run((ABOVE,), (CLEAR,), (CLEAR,), (ABOVE,), (CLEAR,), (CLEAR,), (CLEAR,), state=fired())
    assert [change.transition for change in changes] == [None] * 6 + ["resolved"]
    assert all(change.alert == Firing(1000, 60, "warning") for change in changes)
    assert state == AlertState(cool_until=1090 + 60)
    assert not changes[-1].new_normal


def test_clear_evaluations_are_counted_in_the_state():
    state, _ = run((CLEAR,), (CLEAR,), state=fired())
    assert state.clear_evaluations == 2
    assert run((ABOVE,), state=state)[0].clear_evaluations == 0


def test_a_shorter_window_holds_an_alert_and_a_longer_one_does_not():
    _, changes = run((ABOVE,), (ABOVE,), (ABOVE,), state=fired(length=180))
    assert changes[-1].transition is None
    _, changes = run(*[(CLEAR, CLEAR, CRITICAL)] * 3, state=fired("critical", length=180))
    assert changes[-1].transition == "resolved"


def test_an_alert_that_holds_too_long_is_the_new_normal():
    state, changes = run((CRITICAL,), (CRITICAL,), start=1585, state=fired("critical"))
    assert [(change.transition, change.new_normal) for change in changes] == [
        (None, False),
        ("resolved", True),
    ]
    assert changes[1].decisive == scores(1600, CRITICAL)[0]
    assert state == AlertState(cool_until=1660, disarmed=(60,))


def test_limits_that_a_new_policy_has_lowered_are_passed():
    _, changes = run((ABOVE,), start=1615, state=fired())
    assert (changes[0].transition, changes[0].new_normal) == ("resolved", True)
    state = AlertState(firing=Firing(1000, 60, "warning"), clear_evaluations=7)
    assert run((CLEAR,), state=state)[1][0].transition == "resolved"


def test_nothing_fires_while_cooling_down():
    state = AlertState(cool_until=1060)
    state, changes = run(*[(CRITICAL,)] * 6, start=985, state=state)
    assert [change.transition for change in changes] == [None] * 6, "until 1060"
    assert changes[-1] == Change()
    assert state == AlertState(abnormal_evaluations=1, abnormal_at=1060), "the first one after it"


def test_a_window_above_the_clear_threshold_at_the_end_is_disarmed_until_it_is_clear():
    above_at_end = (CLEAR, ABOVE, ABNORMAL)
    state, _ = run(*[above_at_end] * 3, state=fired())
    assert state.disarmed == (180, 600)
    state, changes = run(*[(CLEAR, CLEAR, CRITICAL)] * 3, start=2000, state=state)
    assert state.disarmed == (600,)
    assert [change.transition for change in changes] == [None] * 3, "600 is disarmed, though critical"
    state, changes = run(*[(CLEAR, ABNORMAL, CRITICAL)] * 2, start=3000, state=state)
    assert changes[-1].alert == Firing(3015, 180, "warning"), (
        "another window fires, and 600 makes it no worse"
    )
    assert state.disarmed == (600,)
    state, _ = run((ABNORMAL, ABNORMAL, CLEAR), start=3030, state=state)
    assert state.disarmed == ()


def test_a_disarmed_window_does_not_make_an_alert_critical():
    state = AlertState(firing=Firing(1000, 60, "warning"), disarmed=(600,))
    state, changes = run((ABNORMAL, ABNORMAL, CRITICAL), state=state)
    assert (changes[0].transition, state.disarmed) == (None, (600,))
    assert run((ABNORMAL, CRITICAL, CRITICAL), state=state)[1][0].transition == "updated"


def test_a_quiet_evaluation_gives_the_same_object_back():
    """A state that is another object is written to Kafka, also one that was read back from there."""
    read_back = msgspec.msgpack.decode(msgspec.msgpack.encode(AlertState()), type=AlertState)
    for state in (AlertState(), read_back):
        for level in (CLEAR, ABOVE):
            assert advance(state, scores(1000, level), 1000, TIMING)[0] is state


def test_a_quiet_state_takes_a_byte_in_kafka():
    """Nearly all keys are quiet; fields that an earlier release did not write have their defaults."""
    assert msgspec.msgpack.encode(AlertState()) == msgspec.msgpack.encode({})
    assert len(msgspec.msgpack.encode(AlertState(cool_until=1060.0))) < 25


def test_time_alone_may_change_the_state_while_something_is_open():
    assert not AlertState().open
    assert not AlertState(disarmed=(600,)).open
    for state in (fired(), AlertState(abnormal_evaluations=1, abnormal_at=15), AlertState(cool_until=60.0)):
        assert state.open


@pytest.mark.parametrize(("own", "taken"), [(60, 0), (180, 1), (600, 2), (300, 1), (30, 0)])
def test_the_window_of_an_alert_or_the_next_shorter_one_or_the_shortest(own, taken):
    found = scores(1000, CLEAR, CLEAR, CLEAR)
    assert own_window(Firing(1000, own, "warning"), found) is found[taken]


def test_a_window_without_a_score_is_never_decisive_before_one_with_a_score():
    windows = ((ABNORMAL, None), (ABNORMAL, 0.5))
    _, changes = run(windows, windows)
    assert changes[1].alert == Firing(1015, 180, "warning")
