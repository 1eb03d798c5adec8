"""Panes and windows: what they count must be what counting from scratch gives."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import classified

from stream.aggregate.panes import MINUTE, Panes
from stream.aggregate.records import EVIDENCE_CHARACTERS, EVIDENCE_PER_MINUTE, SOURCES_PER_PANE
from stream.aggregate.state import decode_minute, encode_record
from stream.messages import Classified, encode

LENGTHS, PANE = (30, 60, 180), 15


def brute_force(messages: list[Classified], begin: int, end: int) -> tuple[int, int, int, int, int]:
    inside = [m for m in messages if begin <= m.event_time.timestamp() < end]
    first = {}
    for message in sorted(messages, key=lambda m: (m.event_time, m.origin), reverse=True):
        first[message.story] = message.sentiment == "negative"
    stories = {m.story for m in inside}
    return (
        len(inside),
        sum(m.sentiment == "negative" for m in inside),
        len(stories),
        sum(first[story] for story in stories),
        len({m.source for m in inside}),
    )


def add(panes: Panes, message: Classified) -> None:
    """As the aggregator does; the source partitions of one topic are numbered as they are."""
    panes.add(message.event_time.timestamp(), message.origin.partition, message)


def holds(panes: Panes, message: Classified) -> bool:
    return panes.holds(message.origin.partition, message.origin.offset)


documents = st.builds(
    lambda time, negative, story, source: (time, negative, f"s{story}", f"w{source}"),
    st.integers(0, 600_000).map(lambda milliseconds: milliseconds / 1000),  # as Kafka's timestamps are
    st.booleans(),
    st.integers(0, 5),
    st.integers(0, 3),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(documents, max_size=40), st.lists(st.integers(1, 6), min_size=1, max_size=30), st.randoms())
def test_windows_hold_what_counting_from_scratch_gives(drawn, steps, random):
    """Documents arrive at any time, before, in and after the windows; the windows move at any pace."""
    panes, seen, end = Panes(LENGTHS, PANE), [], 0
    waiting = [
        classified(time, negative=negative, story=story, source=source)
        for time, negative, story, source in drawn
    ]
    for step in steps:
        for _ in range(random.randint(0, 4)):
            if waiting:
                seen.append(waiting.pop(0))
                assert not holds(panes, seen[-1])
                add(panes, seen[-1])
                if panes.end is not None:
                    for window, length in enumerate(LENGTHS):
                        assert panes.counts[window] == brute_force(seen, end - length, end)
        end += step * PANE
        panes.move(end)
        for window, length in enumerate(LENGTHS):
            assert panes.counts[window] == brute_force(seen, end - length, end)


def test_a_document_in_every_pane_for_two_hours():
    panes, number_of_panes = Panes((30, 60), PANE), 480
    for number in range(number_of_panes):
        add(panes, classified(number * PANE))
        panes.move((number + 1) * PANE)
        assert [counts[0] for counts in panes.counts] == [min(number + 1, 2), min(number + 1, 4)]
    panes.move(number_of_panes * PANE + 60)
    assert [counts[0] for counts in panes.counts] == [0, 0]
    assert panes.next_change is None


def test_a_window_is_closed_at_its_start_and_open_at_its_end():
    panes = Panes((30,), PANE)
    for time in (0, 29.999, 30):
        add(panes, classified(time))
    panes.move(30)
    assert panes.counts[0][0] == 2
    panes.move(60)
    assert panes.counts[0][0] == 1


def test_a_message_sent_again_is_recognised():
    panes = Panes((30,), PANE)
    assert not holds(panes, classified(1, offset=0)), "the first of a source partition"
    add(panes, classified(1, offset=7))
    assert holds(panes, classified(1, offset=7))
    assert holds(panes, classified(20, offset=6)), "results come in offset order: a lower one came before"
    assert not holds(panes, classified(1, offset=6, partition=1)), "another source partition counts by itself"
    assert holds(panes, classified(61, offset=6)), "whatever its minute"


@pytest.mark.parametrize("label", ["negative", "mixed", "neutral", "positive"])
def test_a_document_read_from_kafka_is_negative_by_the_whole_label(label):
    message = msgspec.structs.replace(classified(1), sentiment=label)
    panes = Panes((60,), PANE)
    add(panes, msgspec.json.decode(encode(message), type=Classified))
    panes.move(15)
    negative = int(label == "negative")
    assert panes.counts[0] == (1, negative, 1, negative, 1)
    assert len(panes.evidence(0, 60, 5)) == negative


def test_copies_are_one_story_with_the_label_of_the_first():
    panes = Panes((60,), PANE)
    add(panes, classified(20, story="s", negative=True, offset=5))
    panes.move(60)
    assert panes.counts[0] == (1, 1, 1, 1, 1)
    add(panes, classified(10, story="s", negative=False, offset=6, source="Other"))
    assert panes.counts[0] == (2, 1, 1, 0, 2), "an earlier document turned up, and it is not negative"


def test_a_copy_is_new_to_a_window_that_no_longer_held_the_story():
    """
    seconds     0    15   30   45   60   75   90   105  120
    documents   negative       copy
    window 30             [ -------- )                         lost the story at 45, has it again from 60 on
    window 60   [ ------------------ )                         holds it all the time
    """
    begin, panes, counts = 1_800_000_000, Panes((30, 60), PANE), {}
    add(panes, classified(begin, story="s", negative=True))
    add(panes, classified(begin + 45, story="s"))
    for seconds in range(15, 135, 15):
        panes.move(begin + seconds)
        counts[seconds] = panes.counts
    nothing, first, copy, both = (0, 0, 0, 0, 0), (1, 1, 1, 1, 1), (1, 0, 1, 1, 1), (2, 1, 1, 1, 1)
    assert counts == {
        15: [first, first],
        30: [first, first],
        45: [nothing, first],
        60: [copy, both],
        75: [copy, copy],
        90: [nothing, copy],
        105: [nothing, copy],
        120: [nothing, nothing],
    }


def test_a_late_copy_of_what_the_oldest_pane_holds_is_no_new_story():
    panes = Panes((30, 60), PANE)
    add(panes, classified(30, story="s", negative=True))
    panes.move(60)
    add(panes, classified(45, story="s", negative=True))
    assert panes.counts == [(2, 2, 1, 1, 1)] * 2
    panes.move(75)
    assert panes.counts == [(1, 1, 1, 1, 1), (2, 2, 1, 1, 1)], (
        "the copy holds it when the oldest pane has left"
    )


def test_windows_hold_no_story_or_source_that_has_left_the_longest_one():
    """Their number would grow for ever."""
    panes = Panes((30, 60), PANE)
    for time in (0, 16, 31):
        add(panes, classified(time))
    panes.move(45)
    assert (len(panes.windows._latest_story), len(panes.windows._latest_source)) == (3, 1)
    panes.move(90)
    assert (len(panes.windows._latest_story), len(panes.windows._latest_source)) == (1, 1)
    add(panes, classified(29))  # late, before every window
    add(panes, classified(100))
    panes.move(300)  # beyond a pane that no window ever held
    assert (len(panes.windows._latest_story), len(panes.windows._latest_source)) == (0, 0)


def test_forgotten_minutes_give_their_label_up():
    panes = Panes((60,), PANE)
    add(panes, classified(0, story="s", negative=True))
    add(panes, classified(600, story="s", negative=False))
    panes.move(615)
    assert panes.counts[0] == (1, 0, 1, 1, 1)
    assert panes.forget(60) == [], "only what is archived is forgotten"
    assert [minute for minute, _ in panes.archive(60)] == [0]
    assert panes.counts[0] == (1, 0, 1, 1, 1), "it still gives its label"
    assert panes.forget(60) == [0]
    assert panes.counts[0] == (1, 0, 1, 0, 1), "the copy that is left is the first one now"


def test_evidence_is_the_most_probable_document_of_each_negative_story():
    panes = Panes((60,), PANE)
    add(panes, classified(1, story="a", negative=True, probability=0.7))
    add(panes, classified(2, story="a", negative=True, probability=0.8))
    add(panes, classified(3, story="b", negative=True, probability=0.75))
    add(panes, classified(4, story="c", negative=False, probability=0.99))
    add(panes, classified(70, story="d", negative=True, probability=0.95))
    leading = panes.evidence(0, 60, 5)
    assert [each.probability for each in leading] == [0.8, 0.75]


def test_evidence_is_of_the_window_and_no_more_than_asked_for():
    """
    minute      0                     1                     2
    documents   a           b         c           d   e     f
    window                  [30 ---------------- 90)
    """
    panes = Panes((60,), PANE)
    for time, probability in ((0, 0.9), (30, 0.8), (60, 0.7), (89.9, 0.6), (90, 0.9), (120, 0.9)):
        add(panes, classified(time, negative=True, probability=probability))
    assert [each.event_time for each in panes.evidence(30, 90, 5)] == [30, 60, 89.9]
    assert [each.event_time for each in panes.evidence(30, 90, 2)] == [30, 60]


def test_a_story_in_several_minutes_is_shown_once_with_its_most_probable_document():
    panes = Panes((180,), PANE)
    for time, probability in ((0, 0.7), (60, 0.9), (120, 0.8)):
        add(panes, classified(time, story="s", negative=True, probability=probability))
    add(panes, classified(121, story="t", negative=True, probability=0.85))
    assert [each.event_time for each in panes.evidence(0, 180, 5)] == [60, 121]


def test_a_minute_keeps_no_more_evidence_than_it_may_and_of_a_text_its_beginning():
    panes = Panes((60,), PANE)
    message = msgspec.structs.replace(classified(0, negative=True), text="a" * 299 + "bc")
    add(panes, message)
    for second in range(20):
        add(panes, classified(second, negative=True, probability=0.8))
    leading = panes.evidence(0, 60, 100)
    assert len(leading) == EVIDENCE_PER_MINUTE
    assert leading[0].text == "a" * 299 + "b" and len(leading[0].text) == EVIDENCE_CHARACTERS


@pytest.mark.parametrize("step", [1, 7, 19], ids=["rising", "mixed", "falling"])
def test_a_minute_keeps_the_most_probable_in_whatever_order_they_come(step):
    panes = Panes((60,), PANE)
    for number in range(20):
        add(panes, classified(number, negative=True, probability=0.5 + (number * step % 20) / 100))
    leading = [each.probability for each in panes.evidence(0, 60, 100)]
    assert leading == [0.5 + rank / 100 for rank in range(19, 19 - EVIDENCE_PER_MINUTE, -1)]


def test_a_record_of_shorter_panes_becomes_what_longer_ones_would_have_counted():
    short, long, restored = Panes((60,), 15), Panes((60,), 60), Panes((60,), 60)
    for number, time in enumerate((0.25, 14.999, 15, 31.75, 59.5)):
        message = classified(time, negative=number % 2 == 0, story=f"s{number % 3}", source=f"w{number % 2}")
        add(short, message)
        add(long, message)
    restored.restore(0, short.minutes[0])
    assert restored.minutes == long.minutes


def test_the_next_change_is_where_a_pane_enters_or_leaves_a_window():
    """
    documents   a at 3           b at 40
    panes       [0, 15)          [30, 45)
    enters      15               45
    leaves 30   45               75            a window [t - 30, t) no longer holds a pane once t is one pane on
    leaves 60   75               105
    """
    panes = Panes((30, 60), PANE)
    assert panes.next_change is None
    add(panes, classified(40))
    add(panes, classified(3))
    changes = []
    while (end := panes.next_change) is not None:
        panes.move(end)
        changes.append((end, [count[0] for count in panes.counts]))
    assert changes == [(15, [1, 1]), (45, [1, 2]), (75, [0, 1]), (105, [0, 0])]


def test_a_late_document_makes_the_next_change_sooner():
    panes = Panes((60,), PANE)
    add(panes, classified(50))
    panes.move(60)
    assert panes.next_change == 45 + 60 + PANE
    add(panes, classified(31))
    assert panes.next_change == 30 + 60 + PANE


def test_a_late_document_before_every_window_changes_no_count():
    panes = Panes((30,), PANE)
    panes.move(60)
    add(panes, classified(29.9))
    assert panes.counts[0] == (0, 0, 0, 0, 0)
    assert panes.next_change is None
    add(panes, classified(30))
    assert panes.counts[0] == (1, 0, 1, 0, 1)


@given(st.lists(documents, max_size=12))
def test_counts_change_only_where_the_next_change_says(drawn):
    panes, end = Panes(LENGTHS, PANE), 0
    for time, negative, story, source in drawn:
        add(panes, classified(time, negative=negative, story=story, source=source))
    panes.move(end)
    while end < 900:
        before, expected, end = panes.counts, panes.next_change, end + PANE
        assert expected is None or expected >= end
        panes.move(end)
        assert panes.counts == before or expected == end


def test_a_label_given_by_a_late_document_reaches_the_windows_that_hold_a_copy():
    """
    documents   late, negative at 5     copy at 70, not negative
    window 60                          [60 ---------------- 120)
    """
    panes = Panes((60, 120), PANE)
    add(panes, classified(70, story="s", negative=False, offset=1))
    panes.move(120)
    add(panes, classified(5, story="s", negative=True, offset=2))
    assert panes.counts[0] == (1, 0, 1, 1, 1), "the copy is negative, as the story's first document"
    assert panes.counts[1] == (2, 1, 1, 1, 1)


def test_documents_of_one_pane_are_ordered_by_time_and_then_by_place():
    for order in ((0, 1, 2), (2, 1, 0), (1, 2, 0)):
        panes = Panes((60,), PANE)
        copies = (
            classified(2.001, story="s", negative=True, offset=5),
            classified(2.001, story="s", negative=False, offset=6),
            classified(2.002, story="s", negative=False, offset=4),
        )
        for index in order:
            add(panes, copies[index])
        panes.move(15)
        assert panes.counts[0] == (3, 1, 1, 1, 1)


def test_only_minutes_that_ended_are_archived_and_each_once():
    panes = Panes((60,), PANE)
    for time in (0, 50, 70, 130):
        add(panes, classified(time))
    panes.move(300)
    assert panes.archive(59) == []
    record = panes.minutes[0]
    assert panes.archive(119) == [(0, record)]
    assert panes.archive(119) == []
    assert list(panes.minutes) == [1, 2]
    assert [minute for minute, _ in panes.archive(300)] == [1, 2]
    assert panes.archive(1000) == []


def test_the_oldest_pane_is_that_of_memory_until_it_is_forgotten():
    panes = Panes((60,), PANE)
    assert panes.oldest is None
    add(panes, classified(100))
    add(panes, classified(20))
    panes.move(300)
    assert panes.oldest == 15
    panes.archive(60)
    assert panes.oldest == 15, "archived"
    assert panes.forget(59) == []
    assert panes.forget(60) == [0]
    assert panes.oldest == 90
    panes.archive(300)
    assert panes.forget(300) == [1]
    assert panes.oldest is None
    assert len(panes.stories) == 0


def test_a_minute_is_archived_and_forgotten_as_a_whole():
    panes = Panes((60,), PANE)
    for time in (0, 61, 110):
        add(panes, classified(time))
    panes.move(300)
    assert [minute for minute, _ in panes.archive(90)] == [0], "the minute 1 ends at 120"
    assert [minute for minute, _ in panes.archive(120)] == [1]
    assert panes.forget(90) == [0]
    assert len(panes.stories) == 2
    assert panes.forget(120) == [1]


def test_restored_panes_continue_as_those_they_were_written_from():
    panes, restored = Panes(LENGTHS, PANE), Panes(LENGTHS, PANE)
    for number, time in enumerate((0, 16, 70, 71, 130)):
        add(panes, classified(time, negative=number % 2 == 0, story=f"s{number % 2}", offset=number))
    panes.move(120)
    for minute in sorted(panes.minutes):
        restored.restore(minute, panes.minutes[minute])
    restored.move(120)
    assert restored.counts == panes.counts
    assert restored.next_change == panes.next_change
    assert restored.stories.first == panes.stories.first
    assert restored.applied == panes.applied == {0: 4}


def test_a_restored_late_document_does_not_hide_the_highest_offset():
    """The minute 0 was changed last, so its record holds the higher offset."""
    panes, restored = Panes((60,), PANE), Panes((60,), PANE)
    add(panes, classified(70, offset=1))
    add(panes, classified(5, offset=2))
    for minute in (0, 1):
        restored.restore(minute, panes.minutes[minute])
    assert holds(restored, classified(0, offset=2))
    assert not holds(restored, classified(0, offset=3))


def test_a_restored_source_partition_goes_on_behind_its_first_document():
    panes, restored = Panes((60,), PANE), Panes((60,), PANE)
    add(panes, classified(5, offset=0))
    restored.restore(0, panes.minutes[0])
    assert holds(restored, classified(5, offset=0))
    assert not holds(restored, classified(6, offset=1))


@settings(max_examples=100)
@given(st.lists(st.tuples(st.lists(documents, max_size=5), st.integers(1, 12)), max_size=12))
def test_a_story_is_remembered_until_its_minute_is_forgotten(rounds):
    """
    event time     forgotten     archived          end - 180        end
    in memory          [ stories  )[ whole minutes                         )
    windows                                        [-----------------)
    documents                      [----------------------------------------)
    """
    panes, seen, end, archived = Panes(LENGTHS, PANE), [], 0, 0
    for drawn, steps in rounds:
        for time, negative, story, source in drawn:
            at = round(archived + time * (end + 60 - archived) / 600, 3)
            seen.append(classified(at, negative=negative, story=story, source=source))
            add(panes, seen[-1])
        end += steps * PANE
        panes.move(end)
        archived, forgotten = max(0, end - 240) // 60 * 60, max(0, end - 420) // 60 * 60
        panes.archive(archived)
        panes.forget(forgotten)
        seen = [each for each in seen if each.event_time.timestamp() >= forgotten]
        for window, length in enumerate(LENGTHS):
            assert panes.counts[window] == brute_force(seen, end - length, end)
        assert len(panes.stories) == len({each.story for each in seen})
        assert all(minute * 60 >= archived for minute in panes.minutes)


def test_sources_are_exact_up_to_a_thousand_a_pane_then_at_least():
    """8,600 sources of 512 emoji each in one minute made a record that Kafka did not take."""
    panes = Panes((30, 60), PANE)
    for number in range(SOURCES_PER_PANE):
        add(panes, classified(1, source=f"{number}" + "\U0001f4c8" * 508))
    panes.move(15)
    assert [counts[4] for counts in panes.counts] == [SOURCES_PER_PANE] * 2
    for number in range(8600):  # late: they change windows that have passed
        add(panes, classified(2, source=f"{number}" + "\U0001f4c8" * 508))
    assert [counts[4] for counts in panes.counts] == [SOURCES_PER_PANE + 1] * 2
    assert panes.counts[0][0] == panes.counts[0][2] == SOURCES_PER_PANE + 8600, (
        "documents and stories are exact"
    )
    for number in range(5):
        add(panes, classified(31, source=f"later {number}"))
    panes.move(45)
    assert [counts[4] for counts in panes.counts] == [5, 5 + SOURCES_PER_PANE + 1]
    panes.move(75)
    assert [counts[4] for counts in panes.counts] == [0, 5]
    assert len(encode_record(panes.minutes[0].panes[0])) < 300_000


def limited(monkeypatch: pytest.MonkeyPatch, stories_per_pane: int, sources_per_pane: int) -> Panes:
    monkeypatch.setattr("stream.aggregate.panes.STORIES_PER_MINUTE", stories_per_pane * MINUTE // PANE)
    monkeypatch.setattr("stream.aggregate.panes.SOURCES_PER_PANE", sources_per_pane)
    return Panes(LENGTHS, PANE)


def test_stories_beyond_the_limit_of_a_pane_count_as_one(monkeypatch: pytest.MonkeyPatch):
    panes = limited(monkeypatch, 3, 9)
    for number in range(9):
        add(panes, classified(number, story=f"s{number}", negative=number > 1))
    add(panes, classified(10, story="s1"))  # a copy of one that is known
    add(panes, classified(16, story="s8", negative=True))  # in a pane that has room
    panes.move(15)
    assert panes.counts[0] == (10, 7, 4, 2, 1), "s0, s1, s2 and one for the six others"
    panes.move(30)
    assert panes.counts[0] == (11, 8, 5, 3, 1)
    panes.move(45)
    assert panes.counts[0] == (1, 1, 1, 1, 1)


@pytest.mark.parametrize(("sources", "counted"), [(1000, 1000), (1001, 1001), (1002, 1001)])
def test_a_number_of_sources_over_1000_is_what_messages_call_at_least(sources: int, counted: int):
    panes = Panes((60,), PANE)
    for number in range(sources):
        add(panes, classified(1, source=f"w{number}"))
    panes.move(15)
    assert panes.counts[0][4] == counted


def test_stories_beyond_the_limit_are_archived_and_forgotten_as_one(monkeypatch: pytest.MonkeyPatch):
    panes = limited(monkeypatch, 3, 9)
    for number in range(9):
        add(panes, classified(number, negative=number > 5))
    panes.move(300)
    assert [minute for minute, _ in panes.archive(60)] == [0]
    assert len(panes.stories) == 4
    assert panes.forget(60) == [0]
    assert len(panes.stories) == 0


@settings(max_examples=60, deadline=None)
@given(st.lists(documents, max_size=60), st.integers(0, 60))
def test_a_restart_finds_the_same_counts_beyond_the_limits(drawn, at):
    """The records say by themselves which stories and sources were held."""
    with pytest.MonkeyPatch.context() as monkeypatch:
        one, two = limited(monkeypatch, 2, 1), limited(monkeypatch, 2, 1)
        for number, (time, negative, story, source) in enumerate(drawn):
            if number == at:
                again = limited(monkeypatch, 2, 1)
                for minute in sorted(two.minutes):
                    again.restore(minute, decode_minute(encode_record(two.minutes[minute])))
                two = again
            message = classified(time % 60, negative=negative, story=story, source=source, offset=number)
            add(one, message)
            add(two, message)
        for end in range(15, 300, 15):
            one.move(end)
            two.move(end)
            assert one.counts == two.counts
        assert one.minutes == two.minutes
