"""A key asks its detectors when something they look at has changed or when they wanted to be asked, never else.

event time   0     15    30    45    60    75    90   105   120   135
document     x
pane         [-----)
window 60    counts it at 15 ....... 60, gives it up at 75
rates                                60: full minutes only       120
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import msgspec
import pytest
from messages import classified
from policies import MINUTE_POLICY

from alerting.detection.policy import Policy, load_policy
from alerting.detector import Decision, Firing, Level, Transition, WindowCounts, WindowScore
from alerting.kinds import RATE_KIND
from bearwatch.core.key import Key
from stream.aggregate.changes import Changes
from stream.aggregate.key_state import KeySettings, KeyState
from stream.aggregate.state import encode_record

POLICY = load_policy(MINUTE_POLICY)  # windows of 1, 3 and 6 minutes, panes of 15 s, 30 minutes of memory
NAME = "news/topic:Financials"
FIRING = Firing(15.0, 60, "warning")


class Asked(msgspec.Struct, frozen=True):
    times: int = 0


class ToyDetector:
    """Notes when it was asked and with what; `again` says when it wants to be next, `transitions` what it finds."""

    state_type = Asked

    def __init__(
        self,
        again: Callable[[float], float | None] = lambda time: None,
        transitions: dict[int, Transition] | None = None,
        kind: str = RATE_KIND,
        remembers: bool = False,
        baseline: float = 0.25,
    ) -> None:
        self.kind, self.baseline = kind, baseline
        self.asked: list[int] = []
        self.documents: list[tuple[int, ...]] = []
        self._again, self._transitions = again, transitions or {}
        self._remembers = remembers
        self._firing = False

    def initial(self) -> Asked:
        return Asked()

    def evaluate(
        self, state: Asked, key: Key, windows: Sequence[WindowCounts], time: float
    ) -> tuple[Asked, Decision]:
        assert {(each.window_end, each.window_end - each.window_start) for each in windows} == {
            (time, each.window_seconds) for each in windows
        }
        self.asked.append(int(time))
        self.documents.append(tuple(each.documents for each in windows))
        transition = self._transitions.get(int(time))
        open_before = self._firing
        self._firing = transition != "resolved" and (self._firing or transition == "firing")
        decision = self.describe(state, key, windows, time)
        if self._firing or open_before:
            decision = decision._replace(alert=FIRING, transition=transition, decisive=decision.scores[0])
        return Asked(state.times + 1) if self._remembers else state, decision

    def describe(self, state: Asked, key: Key, windows: Sequence[WindowCounts], time: float) -> Decision:
        scores = tuple(WindowScore(each, 1.0, 0.1, 2.0, Level.CLEAR) for each in windows)
        return Decision(time, True, self.baseline, scores)

    def next_evaluation(self, state: Asked, windows: Sequence[WindowCounts], time: float) -> float | None:
        return self._again(time)


def key_with(*detectors: ToyDetector, policy: Policy = POLICY) -> KeyState:
    return KeyState(NAME, KeySettings(policy, detectors, "model"))


def add(key: KeyState, time: float, **named) -> None:
    message = classified(time, **named)
    key.panes.add(time, message.origin.partition, message)


def encoded(key: KeyState) -> dict[int, bytes]:
    """Its minutes as they stand in `state`."""
    return {minute: encode_record(record) for minute, record in key.panes.minutes.items()}


def run(key: KeyState, until: float = math.inf, now: float = 0.0) -> tuple[list[int], Changes]:
    """Evaluate whenever the key says so; gives the pane ends and what changed."""
    ends, changes = [], Changes()
    while (end := key.next_evaluation) is not None and end <= until:
        assert not ends or end > ends[-1], "it must not be evaluated twice at one pane end"
        key.evaluate(end, now, changes)
        ends.append(end)
    return ends, changes


def test_detectors_are_asked_when_a_pane_enters_or_leaves_a_window():
    key = key_with(detector := ToyDetector())
    add(key, 3)
    ends, _ = run(key)
    assert detector.asked == [15, 75, 195, 375]
    assert detector.documents == [(1, 1, 1), (0, 1, 1), (0, 0, 1), (0, 0, 0)]
    # Changed windows are written to `rates` at the next full minute; at last the story is forgotten.
    assert ends == [15, 60, 75, 120, 195, 240, 375, 420, 60 + 1800]
    assert key.next_evaluation is None


def test_nothing_is_due_for_a_key_without_documents():
    key = key_with(ToyDetector())
    assert key.next_evaluation is None


def test_a_pane_that_leaves_as_another_enters_is_a_change_only_if_a_count_is_another():
    """One like document in every pane of the shortest window: its counts stay, the detector is not asked."""
    policy = replace(POLICY, windows=replace(POLICY.windows, lengths_seconds=(60,)))
    key = key_with(detector := ToyDetector(), policy=policy)
    for pane in range(8):
        add(key, pane * 15)
    run(key, until=120)
    assert detector.asked == [15, 30, 45, 60], "from 60 to 120 the window holds four documents"


def test_a_detector_is_asked_at_the_end_of_its_bucket_though_no_count_changes():
    key = key_with(detector := ToyDetector(again=lambda time: (time // 60 + 1) * 60 if time < 300 else None))
    add(key, 3)
    run(key)
    assert detector.asked == [15, 60, 75, 120, 180, 195, 240, 300, 375]


def test_the_time_a_detector_asks_for_is_rounded_up_to_a_pane_end():
    wanted = {15.0: 31.0, 45.0: 50.0, 60.0: 60.0}
    key = key_with(detector := ToyDetector(again=wanted.get))
    add(key, 3)
    run(key, until=75)
    assert detector.asked == [15, 45, 60, 75], (
        "45 for 31; one pane on for 50, and for a time that is not later"
    )


def test_the_detector_that_wants_to_be_asked_first_decides_and_all_are_asked():
    first, second = (
        ToyDetector(),
        ToyDetector(again=lambda time: time + 30 if time < 60 else None, kind="toy"),
    )
    third = ToyDetector(again=lambda time: time + 45 if time < 60 else None, kind="later")
    key = key_with(first, second, third)
    add(key, 3)
    run(key, until=75)
    assert first.asked == second.asked == third.asked == [15, 45, 75]


def test_an_answer_holds_only_until_the_next_evaluation():
    """Asked at 15 it wants 60, asked at 30 because of another document it wants nothing."""
    key = key_with(detector := ToyDetector(again={15.0: 60.0}.get))
    add(key, 3)
    run(key, until=15)
    add(key, 20)
    run(key, until=75)
    assert detector.asked == [15, 30, 75]


def test_a_key_asked_to_ask_does_so_at_that_pane_end_though_no_count_changes():
    key = key_with(detector := ToyDetector())
    add(key, 3)
    run(key, until=15)
    key.ask_at(30)
    assert key.next_evaluation == 30
    run(key, until=74)
    assert detector.asked == [15, 30]


def test_the_sooner_of_two_times_to_ask_holds():
    for wanted in ((30, 45), (45, 30)):
        key = key_with(detector := ToyDetector())
        add(key, 3)
        run(key, until=15)
        for end in wanted:
            key.ask_at(end)
        run(key, until=74)
        assert detector.asked == [15, 30]


def test_when_to_ask_is_part_of_the_record():
    """A restored key has the counts of the late document already: only the record says that nobody looked at them."""
    key = key_with(ToyDetector())
    add(key, 3)
    run(key, until=15)
    key.ask_at(45)
    restored = KeyState(NAME, KeySettings(POLICY, (detector := ToyDetector(),), "model"), key.record)
    restored.restore(encoded(key), 15)
    assert restored.next_evaluation == 45
    run(restored, until=74)
    assert detector.asked == [45]


def test_a_restored_key_does_not_ask_again_about_the_same_counts():
    key = key_with(ToyDetector())
    add(key, 3)
    run(key, until=60)
    restored = KeyState(NAME, KeySettings(POLICY, (detector := ToyDetector(),), "model"), key.record)
    restored.restore(encoded(key), 60)
    assert restored.panes.counts == key.panes.counts
    ends, changes = run(restored, until=120)
    assert (ends, detector.asked) == ([75, 120], [75])
    assert [(rate.window_seconds, rate.documents) for rate in changes.rates] == [(60, 0)]


def test_a_restored_key_asks_nothing_at_the_minute_at_which_only_rates_are_due():
    key = key_with(ToyDetector())
    add(key, 3)
    run(key, until=15)
    restored = KeyState(NAME, KeySettings(POLICY, (detector := ToyDetector(),), "model"), key.record)
    restored.restore(encoded(key), 15)
    ends, changes = run(restored, until=75)
    assert (ends, detector.asked) == ([60, 75], [75])
    assert len(changes.rates) == 3


def test_a_key_that_was_never_evaluated_is_restored_with_its_documents_waiting():
    key = key_with(ToyDetector())
    for time in (70, 3):
        add(key, time)
    restored = key_with(detector := ToyDetector())
    restored.restore(encoded(key), None)
    assert list(restored.decisions) == []
    run(restored, until=60)
    assert detector.asked == [15]


def test_state_of_a_detector_goes_through_the_record():
    key = key_with(ToyDetector(remembers=True))
    add(key, 3)
    run(key)
    restored = KeyState(NAME, KeySettings(POLICY, (ToyDetector(),), "model"), key.record)
    assert restored.detector_states == {RATE_KIND: Asked(4)}


@pytest.mark.parametrize(
    ("detector", "written"),
    [
        (ToyDetector(), False),
        (ToyDetector(remembers=True), True),  # its state is another
        (ToyDetector(again=lambda time: time + 60), True),  # the time to ask is another
    ],
)
def test_the_record_is_written_when_something_in_it_changes(detector: ToyDetector, written: bool):
    key, changes = key_with(detector), Changes()
    add(key, 3)
    key.evaluate(15, 0.0, changes)
    assert changes.keys == ({NAME} if written else set())


def test_a_time_to_ask_that_stays_is_not_written_again():
    key = key_with(ToyDetector(again=lambda time: 3600))
    written = []
    for second in (3, 16, 31):
        add(key, second)
        written.append(run(key, until=second // 15 * 15 + 15)[1].keys)
    assert written == [{NAME}, set(), set()]


def test_rates_are_written_at_full_minutes_of_the_windows_that_changed():
    key = key_with(ToyDetector())
    add(key, 3, negative=True, source="one")
    add(key, 4, source="two")
    _, changes = run(key, until=15)
    assert changes.rates == [] and changes.keys == set()
    _, changes = run(key, until=60)
    assert [rate.window_seconds for rate in changes.rates] == [60, 180, 360]
    rate = changes.rates[0]
    assert (rate.key, rate.stream, rate.topic, rate.entity) == (NAME, "news", "Financials", msgspec.UNSET)
    assert (rate.documents, rate.negative_documents, rate.stories, rate.negative_stories, rate.sources) == (
        2,
        1,
        2,
        1,
        2,
    )
    assert (rate.negative_ratio, rate.baseline_ratio, rate.score, rate.p_value) == (0.5, 0.25, 1.0, 0.1)
    assert rate.window_end.timestamp() == 60
    assert changes.keys == {NAME}, "what was written last is part of the record"
    _, changes = run(key, until=120)
    assert [(rate.window_seconds, rate.documents, rate.negative_ratio) for rate in changes.rates] == [
        (60, 0, None)
    ]


def test_the_ratio_of_a_window_without_negative_stories_is_zero():
    key = key_with(ToyDetector())
    add(key, 3)
    _, changes = run(key, until=60)
    assert [rate.negative_ratio for rate in changes.rates] == [0.0, 0.0, 0.0]


def test_rates_are_due_at_the_next_full_minute_also_with_panes_of_a_second():
    policy = replace(POLICY, windows=replace(POLICY.windows, evaluate_every_seconds=1))
    key = key_with(ToyDetector(), policy=policy)
    add(key, 58.5)
    ends, changes = run(key, until=61)
    assert ends == [59, 60]
    assert len(changes.rates) == 3


def test_rates_carry_the_scores_of_one_kind_whichever_other_kinds_a_key_has():
    """Its place among them does not matter, nor its name's."""
    others = [ToyDetector(kind=kind, baseline=0.5) for kind in ("a_kind", "z_kind")]
    key = key_with(*others, ToyDetector())
    add(key, 3)
    _, changes = run(key, until=60)
    assert [rate.baseline_ratio for rate in changes.rates] == [0.25] * 3


def test_rates_of_an_entity_carry_its_name():
    key = KeyState("comments/entity:Northwind", KeySettings(POLICY, (ToyDetector(),), "model"))
    add(key, 3)
    _, changes = run(key, until=60)
    assert (changes.rates[0].topic, changes.rates[0].entity) == (msgspec.UNSET, "Northwind")


def test_minutes_leave_memory_behind_every_window_and_are_forgotten_in_the_end():
    key, changes = key_with(ToyDetector()), Changes()
    changes.minutes.add((NAME, 0))
    add(key, 3)
    key.evaluate(60 + 419, 0.0, changes)
    assert list(key.panes.minutes) == [0]
    key.evaluate(60 + 420, 0.0, changes)
    assert list(key.panes.minutes) == []
    assert len(changes.records) == 1 and None not in changes.records.values(), "written when it leaves memory"
    key.evaluate(60 + 1799, 0.0, changes)
    assert len(key.panes.stories) == 1
    key.evaluate(60 + 1800, 0.0, changes)
    assert len(key.panes.stories) == 0
    assert list(changes.records.values()) == [None]


@pytest.mark.parametrize(
    ("third", "expected"),
    [(None, [1815, 1860, 1920, 1935]), (1815, [1815, 1830, 1860, 1890, 1920, 1935])],
)
def test_a_minute_is_forgotten_in_time_though_other_times_come_before_and_behind(
    third: int | None, expected: list[int]
):
    """
    seconds     61 ....... 1740 ... 1815 ... 1890 ... 1920 ... 1935
    documents   first      second   third
    window 60                       second   third              gives them up
    window 180                                                  second
    minute 1                                          forgotten, 1800 s after it ended
    """
    key = key_with(ToyDetector())
    for time in (61, 1740, third):
        if time is not None:
            add(key, time)
    ends, _ = run(key, until=1919)
    remembered = len(key.panes.stories)
    ends += run(key, until=1935)[0]
    assert [end for end in ends if end > 1800] == expected
    assert remembered - len(key.panes.stories) == 1


def test_a_key_without_documents_is_asked_when_its_detector_wants_it():
    key = key_with(detector := ToyDetector())
    key.ask_at(15)
    assert run(key) == ([15], Changes(keys={NAME})), "that it need not be asked again is part of its record"
    assert detector.asked == [15]


@pytest.mark.parametrize(
    ("lateness", "memory", "detail", "remembered"),
    [
        (60, 1800, 360 + 60, 1800),  # the longest window
        (900.5, 1800, 906 + 60, 1800),  # 900.5 s of lateness and 5 s out of order are longer
        (60, 1800.5, 360 + 60, 1860),  # whole minutes
        (1800, 1800, 1805 + 60, 1920),  # what may still take documents is not forgotten; whole minutes
    ],
)
def test_how_long_minutes_are_kept(lateness: float, memory: float, detail: int, remembered: int):
    time = replace(POLICY.time, allowed_lateness_seconds=lateness, story_memory_seconds=memory)
    settings = KeySettings(replace(POLICY, time=time), (), "model")
    assert (settings.detail_seconds, settings.memory_seconds) == (detail, remembered)


# When a stream that catches up evaluates the first pane ends.
LATE = POLICY.time.historical_after_seconds + 1000.0


def alerting(transitions: dict[int, Transition]) -> KeyState:
    """Asked at every pane end up to 90."""
    key = key_with(ToyDetector(lambda time: time + 15 if time < 90 else None, transitions))
    add(key, 3, negative=True)
    return key


def emitted(key: KeyState, until: int, now: float) -> list[tuple[str, bool]]:
    return [(alert.state, alert.historical) for alert in run(key, until, now)[1].alerts]


def test_a_key_without_an_alert_is_not_historical():
    key = key_with(ToyDetector())
    add(key, 3)
    run(key, until=15, now=LATE)
    restored = KeyState(NAME, KeySettings(POLICY, (ToyDetector(),), "model"), key.record)
    restored.restore(encoded(key), 15)
    new_kind = key_with(ToyDetector(kind="toy"))
    new_kind.restore(encoded(key), 15)
    for each in (key, restored, new_kind):
        assert [decision.historical for decision in each.decisions] == [False]
        assert [held.historical for held in each.record.detectors.values()] == [False]


def test_an_alert_of_the_present_is_not_historical():
    key = alerting({15: "firing", 30: "updated", 45: "resolved"})
    assert emitted(key, 60, now=60.0) == [("firing", False), ("updated", False), ("resolved", False)]


def test_an_alert_is_historical_if_it_was_detected_long_after_its_window():
    limit = POLICY.time.historical_after_seconds
    assert emitted(alerting({15: "firing"}), 15, now=15 + limit) == [("firing", False)]
    assert emitted(alerting({15: "firing"}), 15, now=15 + limit + 1) == [("firing", True)]


def test_a_historical_alert_stays_so_while_the_stream_catches_up():
    key = alerting({15: "firing", 30: "updated", 45: "resolved"})
    assert emitted(key, 60, LATE) == [("firing", True), ("updated", True), ("resolved", True)]


def test_a_historical_alert_that_still_holds_in_the_present_is_updated_once():
    key = alerting({15: "firing"})
    assert emitted(key, 30, LATE) == [("firing", True)]
    assert key.decisions[0].historical
    assert emitted(key, 60, 60.0) == [("updated", False)], "at 45; at 60 it has been told"
    assert not key.decisions[0].historical


def test_that_it_is_not_historical_any_longer_is_written_though_nothing_else_changed():
    key = key_with(ToyDetector(transitions={15: "firing"}))
    add(key, 3, negative=True)
    run(key, 15, LATE)
    add(key, 20)
    _, changes = run(key, 30, 30.0)
    assert [(alert.state, alert.historical) for alert in changes.alerts] == [("updated", False)]
    assert changes.keys == {NAME}


def test_a_historical_alert_that_resolves_in_the_present_pages_nobody():
    key = alerting({15: "firing", 30: "resolved"})
    assert emitted(key, 15, LATE) == [("firing", True)]
    assert emitted(key, 60, 60.0) == [("resolved", True)]


def test_the_alert_after_a_historical_one_is_not_historical():
    key = alerting({15: "firing", 30: "resolved", 60: "firing"})
    assert emitted(key, 30, LATE) == [("firing", True), ("resolved", True)]
    assert not key.record.detectors[RATE_KIND].historical
    assert not key.decisions[0].historical
    assert emitted(key, 60, 60.0) == [("firing", False)]


def test_an_alert_that_was_notified_does_not_become_historical_when_the_stream_falls_behind():
    key = alerting({15: "firing", 30: "updated", 45: "resolved"})
    assert emitted(key, 15, 15.0) == [("firing", False)]
    assert emitted(key, 60, LATE) == [("updated", False), ("resolved", False)]


def test_whether_an_alert_is_historical_goes_through_the_record():
    key = alerting({15: "firing"})
    run(key, 15, LATE)
    restored = KeyState(NAME, KeySettings(POLICY, (ToyDetector(),), "model"), key.record)
    restored.restore(encoded(key), 15)
    assert [found.historical for found in restored.decisions] == [True]


def test_each_kind_has_its_own_alert():
    key = key_with(
        ToyDetector(transitions={75: "firing"}), ToyDetector(kind="toy", transitions={15: "firing"})
    )
    add(key, 3, negative=True)
    alerts = run(key, 15, 15.0)[1].alerts + run(key, 75, LATE)[1].alerts
    assert [(alert.kind, alert.historical) for alert in alerts] == [("toy", False), (RATE_KIND, True)]
    assert [(each.decision.firing, each.historical) for each in key.decisions] == [
        (True, True),
        (True, False),
    ]


def test_an_alert_carries_the_leading_stories_of_its_window():
    """
    documents       x at 3    a to f at 61 to 66
    window 60       .    [60 ------------------ 120)
    """
    key = key_with(ToyDetector({75.0: 120.0}.get, {120: "firing"}))
    add(key, 3, negative=True, probability=0.99)
    for second in range(6):
        add(key, 61 + second, negative=True, probability=0.7 + second / 100)
    (alert,) = run(key, 120, now=130.0)[1].alerts
    assert (alert.window_start.timestamp(), alert.window_end.timestamp()) == (60, 120)
    assert [each.probability for each in alert.evidence] == [0.75, 0.74, 0.73, 0.72, 0.71]
    assert (alert.detected_at.timestamp(), alert.model, alert.policy) == (130.0, "model", POLICY.hash)
    assert (alert.evidence[0].source, alert.evidence[0].url, alert.evidence[0].model) == (
        "Wire",
        None,
        "test",
    )


def test_minutes_are_restored_in_any_order_of_the_log():
    key = key_with(ToyDetector())
    for time in (3, 70, 130):
        add(key, time)
    minutes = encoded(key)
    restored = key_with(ToyDetector())
    restored.restore({minute: minutes[minute] for minute in (2, 0, 1)}, 60 + 420)
    assert list(restored.panes.minutes) == [1, 2], "the first is behind every window"
    assert restored.panes.oldest == 0, "and remembered"
