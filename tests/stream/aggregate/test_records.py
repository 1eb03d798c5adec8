"""What is kept of a minute: the order of its documents, and its leading negative ones."""

from hypothesis import example, given
from hypothesis import strategies as st

from stream.aggregate.records import (
    EVIDENCE_CHARACTERS,
    EVIDENCE_PER_MINUTE,
    SOURCES_PER_PANE,
    STORIES_PER_MINUTE,
    Candidate,
    MinuteRecord,
    Pane,
    document_order,
    join_panes,
    keep_candidate,
)
from stream.aggregate.state import encode_record
from stream.aggregate.stories import story_hash
from stream.classify.document import CLASSIFIED_CHARACTERS
from stream.kafka.topics import STATE_BYTES


def candidate(probability: float, story: int, offset: int = 0, partition: int = 0) -> Candidate:
    return Candidate(probability, partition, offset, 0.0, story, "text", "Wire", None, "model")


def test_documents_are_ordered_by_time_then_partition_then_offset():
    ordered = [
        document_order(0, 9, 9, True),
        document_order(1, 0, 4, True),
        document_order(1, 0, 5, False),
        document_order(1, 0, 6, True),
        document_order(1, 1, 0, False),
        document_order(2, 0, 0, False),
    ]
    assert ordered == sorted(ordered)
    assert len({order >> 1 for order in ordered}) == len(ordered), (
        "each has its own place, whatever the label"
    )


def test_the_lowest_bit_is_the_label():
    assert document_order(1, 2, 3, True) - document_order(1, 2, 3, False) == 1
    assert document_order(1, 2, 3, False) & 1 == 0


def test_an_order_fits_into_64_bits_whatever_the_place():
    """The last millisecond of a pane of one minute, rounded up, and a place beyond the bits kept of it."""
    largest = document_order(60_000, 2**31 - 1, 2**63 - 1, True)
    assert largest < 2**64
    assert largest >> 48 == 60_000, "neither partition nor offset reaches the time"
    assert document_order(0, 0, 2**35 - 1, True) < document_order(0, 1, 0, False)
    assert document_order(0, 2**12 - 1, 2**35 - 1, True) < document_order(1, 0, 0, False)


def test_a_story_keeps_its_most_probable_document():
    weak, strong = (
        candidate(probability, story_hash("0123456789abcdef"), offset)
        for offset, probability in enumerate((0.6, 0.8))
    )
    assert keep_candidate([weak], strong) == [strong]
    assert keep_candidate([strong], weak) == [strong]


def test_the_place_in_kafka_settles_ties():
    first, second = candidate(0.8, story=1, offset=4), candidate(0.8, story=1, offset=5)
    other = candidate(0.8, story=1, offset=0, partition=1)
    for one, two in ((first, second), (second, other), (first, other)):
        assert keep_candidate([one], two) == keep_candidate([two], one) == [one]


def test_the_weakest_of_a_full_minute_makes_place():
    full: list[Candidate] = []
    for number in range(EVIDENCE_PER_MINUTE):
        full = keep_candidate(full, candidate(0.9 - number / 100, story=number))
    assert [each.story for each in full] == list(range(EVIDENCE_PER_MINUTE))
    assert keep_candidate(full, candidate(0.5, story=99)) == full
    for rank in range(EVIDENCE_PER_MINUTE):
        kept = keep_candidate(full, candidate(0.905 - rank / 100, story=99))
        assert [each.story for each in kept] == [*range(rank), 99, *range(rank, EVIDENCE_PER_MINUTE - 1)]
    assert len(full) == EVIDENCE_PER_MINUTE, "the list that was given is as it was"


drawn = st.builds(candidate, st.sampled_from((0.6, 0.7, 0.8)), st.integers(0, 11))


@given(st.lists(drawn, max_size=30))
def test_the_leading_stories_do_not_depend_on_the_order_of_arrival(candidates):
    placed = [candidate(each.probability, each.story, offset) for offset, each in enumerate(candidates)]
    best: dict[int, Candidate] = {}
    for each in sorted(placed, key=lambda each: (-each.probability, each.offset)):
        best.setdefault(each.story, each)
    leading = list(best.values())[:EVIDENCE_PER_MINUTE]
    for order in (placed, placed[::-1]):
        kept: list[Candidate] = []
        for each in order:
            kept = keep_candidate(kept, each)
        assert kept == leading


# milliseconds into the minute, negative, story, source; the offset is the place in the list
documents = st.tuples(st.integers(0, 59_999), st.booleans(), st.integers(0, 3), st.integers(0, 3))


def counted(minute: int, pane_seconds: int, drawn: list[tuple[int, bool, int, int]]) -> MinuteRecord:
    """A minute as it is counted from the first document on with panes of that length."""
    record = MinuteRecord()
    for offset, (milliseconds, negative, story, source) in enumerate(drawn):
        start = milliseconds // 1000 // pane_seconds * pane_seconds
        pane = record.panes.setdefault(60 * minute + start, Pane())
        pane.documents += 1
        pane.negative_documents += negative
        pane.sources.add(source)
        order = document_order(milliseconds - 1000 * start, offset % 2, offset, negative)
        pane.stories[story] = min(order, pane.stories.get(story, order))
    return record


@given(st.lists(documents, max_size=40), st.integers(30_000_000, 30_000_100), st.sampled_from((1, 5, 15, 30)))
@example([(15_000, False, 0, 0)], 30_000_000, 15)  # the first document of all, at the start of its pane
def test_shorter_panes_are_joined_to_what_longer_ones_would_hold(drawn, minute, before):
    for pane_seconds in (30, 60):
        record = counted(minute, before, drawn)
        join_panes(record, pane_seconds)
        assert record == counted(minute, pane_seconds, drawn)


def test_the_largest_record_that_documents_can_make_fits_its_topic():
    """Every text in characters of four bytes; a minute of one pane whose policy changed to four of 15 s."""
    largest = 2**60 - 1
    stories = dict.fromkeys(range(largest - STORIES_PER_MINUTE, largest + 1), 2**64 - 1)
    quarter = dict(list(stories.items())[: STORIES_PER_MINUTE // 4 + 1])
    sources = set(range(largest - SOURCES_PER_PANE, largest + 1))
    panes = {1_800_000_000 + 15 * n: Pane(2**40, 2**40, quarter if n else stories, sources) for n in range(4)}
    text, source, url = (
        "\U0001f4c8" * length for length in (EVIDENCE_CHARACTERS, 512, CLASSIFIED_CHARACTERS)
    )
    evidence = [
        Candidate(0.9, 4095, 2**62, 1.8e9, story, text, source, url, "0" * 16)
        for story in range(EVIDENCE_PER_MINUTE)
    ]
    record = MinuteRecord(panes, dict.fromkeys(range(4096), 2**62), evidence)
    assert len(encode_record(record)) < 0.8 * STATE_BYTES
