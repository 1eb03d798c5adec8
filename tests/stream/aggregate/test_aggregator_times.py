"""When the aggregator of a partition counts, evaluates, writes and forgets.

event time    start      +15     +30     +45     +60
panes         [----------)[------)[------)[------)
watermark     event time of the tick - 5 s (out of order)
closed        watermark - 60 s (allowed lateness): a pane that ends there or before takes no more documents
"""

from collections.abc import Iterable

import msgspec
import pytest
from messages import classified
from policies import MINUTE_POLICY

from alerting.detection.policy import load_policy
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.changes import Changes
from stream.aggregate.state import (
    POSITION_KEY,
    PartitionState,
    PositionRecord,
    key_record_key,
    load,
    minute_record_key,
)
from stream.messages import Classified, Tick, encode

POLICY = load_policy(MINUTE_POLICY)
START = 1_800_000_000 // 3600 * 3600
SOURCE = "news-0"
FINANCIALS = "news/topic:Financials"
ORDER = 5  # max_out_of_orderness_seconds
LATENESS = 60  # allowed_lateness_seconds


def fresh(state: PartitionState | None = None, sources: Iterable[str] = (SOURCE,)) -> Aggregator:
    return Aggregator(POLICY, "test", sources, state, partitions=3)


def feed(aggregator: Aggregator, *messages: Classified | Tick, now: float = START) -> Changes:
    for message in messages:
        aggregator.apply(message, now)
    return aggregator.take_changes()


def tick(watermark: float, source: str = SOURCE) -> Tick:
    """It brings the watermark there."""
    return Tick(source=source, offset=0, event_time=float(watermark + ORDER))


def restarted(*batches: Changes, sources: Iterable[str] = (SOURCE,)) -> Aggregator:
    """Another aggregator with what was written."""
    state = PartitionState()
    for changes in batches:
        for key, value in changes.records.items():
            load(state, key, value)
    return fresh(state, sources)


def position(changes: Changes) -> PositionRecord:
    state, value = PartitionState(), changes.records[POSITION_KEY]
    load(state, POSITION_KEY, value)
    return state.position


def evaluated_at(aggregator: Aggregator) -> float:
    """When the only key was evaluated last, after the start."""
    (found,) = aggregator.decisions()
    return found.decision.time - START


def test_a_pane_is_evaluated_once_the_watermark_reaches_its_end():
    aggregator = fresh()
    feed(aggregator, classified(START + 14.999), tick(START + 14.9))
    assert list(aggregator.decisions()) == []
    assert aggregator.evaluated == START
    feed(aggregator, tick(START + 15))
    assert evaluated_at(aggregator) == 15
    assert aggregator.evaluated == START + 15


def test_a_pane_closes_once_the_allowed_lateness_is_over():
    """
    document           at 31
    pane               [30, 45)
    closed before      44.9: counted        45: late
    """
    for closed, late in ((44.9, False), (45, True)):
        aggregator, document = fresh(), classified(START + 31)
        feed(aggregator, tick(START + closed + LATENESS))
        assert feed(aggregator, document).late == ([document] if late else [])
        assert aggregator.stories == (0 if late else 1)


def test_a_document_writes_its_minute_and_a_new_key_its_record():
    aggregator, minute = fresh(), minute_record_key(FINANCIALS, START // 60)
    written = feed(aggregator, classified(START + 1)).records
    assert set(written) == {POSITION_KEY, key_record_key(FINANCIALS), minute}
    assert set(feed(aggregator, classified(START + 2)).records) == {POSITION_KEY, minute}


def test_a_late_document_is_not_written():
    aggregator = fresh()
    feed(aggregator, tick(START + 300))
    assert list(feed(aggregator, classified(START)).records) == [POSITION_KEY]


def test_panes_stay_closed_after_a_restart():
    aggregator = fresh()
    again = restarted(feed(aggregator, tick(START + 45 + LATENESS)))
    late, document = classified(START + 44), classified(START + 45)
    assert feed(again, late, document).late == [late]


def test_what_is_archived_stays_closed_though_a_new_source_holds_the_watermark():
    """
    evaluated         480
    archived          480 - 420 = 60 (the longest window and a minute)
    watermark         none: nothing is known of news-1
    """
    aggregator = fresh()
    written = feed(aggregator, classified(START + 1), tick(START + 480))
    again = restarted(written, sources=(SOURCE, "news-1"))
    late, document = classified(START + 59), classified(START + 60)
    assert feed(again, late, document).late == [late]


def test_a_late_document_is_looked_at_one_pane_after_the_last_evaluation():
    aggregator = fresh()
    feed(aggregator, classified(START + 1), tick(START + 75))
    written = feed(aggregator, classified(START + 31))
    state = PartitionState()
    load(state, key_record_key(FINANCIALS), written.records[key_record_key(FINANCIALS)])
    assert state.keys[FINANCIALS].due == START + 90, "that the key has to be asked is part of its record"
    feed(aggregator, tick(START + 90))
    assert evaluated_at(aggregator) == 90, (
        "without it: 120, at the full minute, or 195, when the first one leaves"
    )


def test_a_late_document_of_a_key_that_is_due_sooner_or_later_does_not_move_other_keys():
    aggregator = fresh()
    feed(aggregator, classified(START + 1), classified(START + 61, topic="Macro"), tick(START + 75))
    feed(aggregator, classified(START + 31, topic="Macro"), tick(START + 90))
    times = {found.key.name: found.decision.time - START for found in aggregator.decisions()}
    assert times == {"Financials": 75, "Macro": 90}


def test_a_document_is_late_for_the_pane_that_ended_at_the_last_evaluation():
    aggregator = fresh()
    feed(aggregator, classified(START + 16), tick(START + 30))
    feed(aggregator, classified(START + 29), tick(START + 45))
    assert evaluated_at(aggregator) == 45


def test_a_document_in_time_waits_for_the_end_of_its_pane():
    aggregator = fresh()
    feed(aggregator, classified(START + 1), tick(START + 15))
    written = feed(aggregator, classified(START + 31))
    assert set(written.records) == {POSITION_KEY, minute_record_key(FINANCIALS, START // 60)}
    feed(aggregator, tick(START + 30))
    assert evaluated_at(aggregator) == 15
    feed(aggregator, tick(START + 45))
    assert evaluated_at(aggregator) == 45


def test_the_first_document_of_a_key_may_be_late():
    aggregator = fresh()
    feed(aggregator, tick(START + 60))
    changes = feed(aggregator, classified(START + 10), tick(START + 120))
    (found,) = aggregator.decisions()
    assert [score.counts.documents for score in found.decision.scores] == [0, 1, 1], "of 1, 3 and 6 minutes"
    assert [(rate.window_seconds, rate.documents) for rate in changes.rates] == [(180, 1), (360, 1)]


def test_a_document_of_an_earlier_pane_brings_the_evaluation_forward():
    aggregator = fresh()
    feed(aggregator, tick(START), classified(START + 50), classified(START + 20), tick(START + 30))
    assert evaluated_at(aggregator) == 30


def test_a_document_of_a_later_pane_does_not_put_the_evaluation_off():
    aggregator = fresh()
    feed(aggregator, classified(START + 20), classified(START + 50), tick(START + 30))
    assert evaluated_at(aggregator) == 30


def test_one_tick_may_pass_many_panes():
    """Each is evaluated, whatever the watermark's step."""
    whole, steps = fresh(), fresh()
    documents = [classified(START + second, negative=second % 3 == 0) for second in range(0, 400, 7)]
    at_once = feed(whole, *documents, tick(START + 3000))
    slowly = [feed(steps, *documents), *(feed(steps, tick(START + end)) for end in range(0, 3001, 15))]
    assert at_once.rates == [rate for changes in slowly for rate in changes.rates]
    assert len({rate.window_end for rate in at_once.rates}) == 13, (
        "seven minutes of documents leave after six more"
    )


def test_keys_due_at_one_pane_end_are_evaluated_in_the_order_of_their_names():
    topics = ["Markets", "Currencies", "Macro", "Financials"]
    aggregator = fresh()
    changes = feed(aggregator, *(classified(START + 1, topic=topic) for topic in topics), tick(START + 60))
    assert [rate.topic for rate in changes.rates[::3]] == sorted(topics)


def test_evaluations_come_in_the_order_of_time_before_names():
    aggregator = fresh()
    first, second = classified(START + 1, topic="Macro"), classified(START + 61, topic="Financials")
    changes = feed(aggregator, second, first, tick(START + 120))
    order = [(rate.window_end.timestamp() - START, rate.topic) for rate in changes.rates]
    assert order == sorted(order, key=lambda each: each[0])
    assert [topic for _, topic in order] == ["Macro"] * 3 + ["Financials"] * 3 + ["Macro"]


def test_a_minute_that_is_counted_and_archived_in_one_batch_is_written():
    """A backlog: its documents and the ticks behind them come in one batch."""
    document = classified(START + 1, negative=True)
    whole = feed(fresh(), document, tick(START + 900))
    assert whole.records[minute_record_key(FINANCIALS, START // 60)] is not None
    again = restarted(whole)
    assert again.stories == 1
    assert (
        feed(again, msgspec.structs.replace(document), classified(START + 895, story=document.story)).late
        == []
    )
    (key,) = again.keys.values()
    assert key.panes.stories.first[next(iter(key.panes.stories.first))] & 1, "its label is remembered"


def test_a_document_is_recognised_whatever_the_order_of_the_sources_after_a_restart():
    """Records name a source partition by its place in a list, which is kept with them."""
    first = [classified(START + 1, offset=3, partition=1), classified(START + 1, offset=7)]
    written = feed(fresh(sources=iter(("news-0", "news-1"))), *first)
    assert position(written).source_partitions == ["news-0", "news-1"]
    again = restarted(written, sources=("news-2", "news-1", "news-0"))
    assert list(feed(again, *first).records) == [POSITION_KEY]
    new = classified(START + 1, offset=4, partition=1)
    assert len(feed(again, new).records) == 2, "its minute, and the position"


def test_a_source_that_nobody_named_is_added_to_the_list():
    aggregator = fresh()
    documents = [classified(START + 1, offset=7, stream=stream) for stream in ("news", "comments")]
    written = feed(aggregator, *documents)
    assert position(written).source_partitions == ["news-0", "comments-0"]
    assert list(feed(restarted(written), *documents).records) == [POSITION_KEY]


def test_the_position_counts_every_message():
    aggregator, document = fresh(), classified(START + 1, offset=1)
    changes = feed(aggregator, document, document, tick(START + 15), classified(START - 300))
    assert position(changes) == PositionRecord(
        offset=4,
        evaluated=START + 15,
        source_watermarks=aggregator.watermark.source_watermarks,
        source_partitions=["news-0"],
        partitions=3,
    )
    again = restarted(changes)
    assert (again.offset, again.evaluated) == (4, START + 15)
    assert again.watermark.time == START + 15 + ORDER


def test_changes_are_given_once():
    aggregator = fresh()
    assert len(feed(aggregator, classified(START + 1), tick(START + 60)).records) == 3
    assert (aggregator.take_changes().rates, list(aggregator.take_changes().records)) == ([], [POSITION_KEY])


def test_an_older_tick_evaluates_nothing_again():
    aggregator = fresh()
    feed(aggregator, classified(START + 1), tick(START + 60))
    changes = feed(aggregator, tick(START + 30), tick(START + 60))
    assert (changes.rates, aggregator.evaluated) == ([], START + 60)


def test_a_source_that_begins_in_the_past_does_not_take_evaluations_back():
    aggregator = fresh(sources=(SOURCE, "news-1"))
    empty = Tick(source="news-1", offset=0, event_time=None, clock=float(START + 600))
    feed(aggregator, classified(START + 1), tick(START + 60), empty)
    assert aggregator.evaluated == START + 60
    feed(aggregator, tick(START + 20, "news-1"))
    assert aggregator.watermark.time == START + 20 + ORDER
    assert aggregator.evaluated == START + 60


def test_evaluations_continue_at_pane_ends_of_today():
    """An earlier policy evaluated every five seconds."""
    again = fresh(PartitionState(PositionRecord(offset=7, evaluated=START + 20)))
    assert again.evaluated == START + 15
    feed(again, classified(START + 16), tick(START + 30))
    assert evaluated_at(again) == 30


def test_documents_are_reported_once_their_pane_is_evaluated():
    """For the time from a document to its first evaluation."""
    aggregator = fresh()
    first, second = classified(START + 1), classified(START + 16)
    assert feed(aggregator, first, second).evaluated == []
    assert feed(aggregator, tick(START + 15)).evaluated == [first]
    assert feed(aggregator, tick(START + 45)).evaluated == [second]
    assert feed(aggregator, tick(START + 60)).evaluated == []


def test_a_late_document_is_reported_at_the_evaluation_that_follows():
    aggregator, late = fresh(), classified(START + 1)
    feed(aggregator, tick(START + 30))
    assert feed(aggregator, late, tick(START + 30)).evaluated == [], "a tick repeated evaluates nothing"
    assert feed(aggregator, tick(START + 45)).evaluated == [late]


def test_documents_of_a_backlog_are_not_reported():
    limit = POLICY.time.historical_after_seconds
    for age, reported in ((limit - 0.1, 1), (limit, 0), (limit + 1, 0)):
        aggregator = fresh()
        feed(aggregator, classified(START + 1), now=START + 1 + age)
        assert len(feed(aggregator, tick(START + 15)).evaluated) == reported


def test_stories_of_all_keys_are_counted():
    aggregator = fresh()
    feed(
        aggregator,
        classified(START + 1, story="s"),
        classified(START + 2, story="s"),
        classified(START + 3, story="s", topic="Macro"),
        classified(START + 4),
    )
    assert aggregator.stories == 3
    feed(aggregator, tick(START + 60 + 1800))
    assert aggregator.stories == 0


@pytest.mark.parametrize("pause", [0, 30, 200, 700])
def test_a_restored_key_is_due_when_it_would_have_been(pause: int):
    aggregator = fresh()
    written = [feed(aggregator, classified(START + 1, negative=True), tick(START + 15 + pause))]
    again = restarted(*written)
    for end in range(pause + 15, 2400, 15):
        one, other = feed(aggregator, tick(START + end)), feed(again, tick(START + end))
        assert one.records == other.records
        assert [encode(rate) for rate in one.rates] == [encode(rate) for rate in other.rates]


def test_a_key_that_should_have_been_asked_in_the_past_is_asked_next():
    """A policy of today may have shorter panes or other windows than the one that wrote the record."""
    aggregator = fresh()
    state = PartitionState()
    written = feed(aggregator, classified(START + 1), tick(START + 15))
    for key, value in written.records.items():
        load(state, key, value)
    state.keys[FINANCIALS].due = START - 600
    again = fresh(state)
    feed(again, tick(START + 29))
    assert evaluated_at(again) == 15
    feed(again, tick(START + 30))
    assert evaluated_at(again) == 30
