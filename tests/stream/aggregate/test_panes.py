"""Panes and windows: what they count must be what counting from scratch gives."""

from hypothesis import given, settings
from hypothesis import strategies as st
from messages import classified

from stream.aggregate.panes import Panes
from stream.messages import Classified

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


def figures(panes: Panes, window: int) -> tuple[int, int, int, int, int]:
    return panes.counts[window]


def add(panes: Panes, message: Classified) -> None:
    """As the aggregator does; the source partitions of one topic are numbered as they are."""
    panes.add(message.event_time.timestamp(), message.origin.partition, message)


def holds(panes: Panes, message: Classified) -> bool:
    return panes.holds(message.origin.partition, message.origin.offset)


documents = st.builds(
    lambda time, negative, story, source: (time, negative, f"s{story}", f"w{source}"),
    st.floats(0, 600),
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
                        assert figures(panes, window) == brute_force(seen, end - length, end)
        end += step * PANE
        panes.move(end)
        for window, length in enumerate(LENGTHS):
            assert figures(panes, window) == brute_force(seen, end - length, end)


def test_a_window_is_closed_at_its_start_and_open_at_its_end():
    panes = Panes((30,), PANE)
    for time in (0, 29.999, 30):
        add(panes, classified(time))
    panes.move(30)
    assert figures(panes, 0)[0] == 2
    panes.move(60)
    assert figures(panes, 0)[0] == 1


def test_a_message_sent_again_is_recognised():
    panes = Panes((30,), PANE)
    add(panes, classified(1, offset=7))
    assert holds(panes, classified(1, offset=7))
    assert holds(panes, classified(20, offset=6)), "results come in offset order: a lower one came before"
    assert not holds(panes, classified(1, offset=6, partition=1)), "another source partition counts by itself"
    assert holds(panes, classified(61, offset=6)), "whatever its minute"


def test_copies_are_one_story_with_the_label_of_the_first():
    panes = Panes((60,), PANE)
    add(panes, classified(20, story="s", negative=True, offset=5))
    panes.move(60)
    assert figures(panes, 0) == (1, 1, 1, 1, 1)
    add(panes, classified(10, story="s", negative=False, offset=6, source="Other"))
    assert figures(panes, 0) == (2, 1, 1, 0, 2), "an earlier document turned up, and it is not negative"


def test_forgotten_minutes_give_their_label_up():
    panes = Panes((60,), PANE)
    add(panes, classified(0, story="s", negative=True))
    add(panes, classified(600, story="s", negative=False))
    panes.move(615)
    assert figures(panes, 0) == (1, 0, 1, 1, 1)
    assert panes.forget(60) == [], "only what is archived is forgotten"
    assert [minute for minute, _ in panes.archive(60)] == [0]
    assert figures(panes, 0) == (1, 0, 1, 1, 1), "it still gives its label"
    assert panes.forget(60) == [0]
    assert figures(panes, 0) == (1, 0, 1, 0, 1), "the copy that is left is the first one now"


def test_evidence_is_the_most_probable_document_of_each_negative_story():
    panes = Panes((60,), PANE)
    add(panes, classified(1, story="a", negative=True, probability=0.7))
    add(panes, classified(2, story="a", negative=True, probability=0.8))
    add(panes, classified(3, story="b", negative=True, probability=0.75))
    add(panes, classified(4, story="c", negative=False, probability=0.99))
    add(panes, classified(70, story="d", negative=True, probability=0.95))
    leading = panes.evidence(0, 60, 5)
    assert [each.probability for each in leading] == [0.8, 0.75]
