"""What one batch writes of a minute: its last record, once, or its removal."""

from stream.aggregate.changes import Changes
from stream.aggregate.records import MinuteRecord, Pane
from stream.aggregate.state import encode_record, minute_record_key

KEY, RECORD = minute_record_key("news/topic:Oil", 7), MinuteRecord({420: Pane(documents=3)}, {0: 5})


def changed() -> Changes:
    changes = Changes()
    changes.minutes.add(("news/topic:Oil", 7))
    return changes


def test_a_minute_that_leaves_memory_is_written_as_it_is_then():
    changes = changed()
    changes.archive("news/topic:Oil", 7, RECORD)
    assert changes.records == {KEY: encode_record(RECORD)}
    assert changes.minutes == set(), "it is not looked for again"


def test_a_minute_that_did_not_change_is_not_written_again():
    changes = changed()
    changes.archive("news/topic:Oil", 8, RECORD)
    changes.archive("news/topic:Gas", 7, RECORD)
    assert changes.records == {}
    assert changes.minutes == {("news/topic:Oil", 7)}


def test_a_minute_that_is_forgotten_is_removed_even_if_it_was_just_written():
    changes = changed()
    changes.archive("news/topic:Oil", 7, RECORD)
    changes.forget("news/topic:Oil", 7)
    assert changes.records == {KEY: None}
