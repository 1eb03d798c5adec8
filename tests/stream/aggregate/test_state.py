"""The layout of the records in `state`. A change here is another layout: VERSION must grow with it."""

import msgspec

from stream.aggregate.records import Candidate, MinuteRecord, Pane
from stream.aggregate.state import (
    VERSION,
    DetectorRecord,
    KeyRecord,
    PositionRecord,
    encode_record,
    key_record_key,
    minute_record_key,
)
from stream.aggregate.watermark import SourceWatermark


def layout(record: msgspec.Struct) -> object:
    return msgspec.msgpack.decode(encode_record(record), strict=False)


def test_records_of_version_2_are_arrays_in_this_order():
    assert VERSION == 2
    candidate = Candidate(0.9, 1, 7, 5.5, 11, "text", "Wire", None, "hash")
    assert layout(MinuteRecord({0: Pane(2, 1, {11: 13}, {17})}, {1: 7}, [candidate])) == [
        {0: [2, 1, {11: 13}, [17]]},
        {1: 7},
        [[0.9, 1, 7, 5.5, 11, "text", "Wire", None, "hash"]],
    ]
    assert layout(KeyRecord({"surge": DetectorRecord(b"state", True)}, {60: (5, 4, 3, 2, 1)}, 75)) == [
        {"surge": [b"state", True]},
        {60: [5, 4, 3, 2, 1]},
        75,
    ]
    assert layout(PositionRecord(3, 60, {"news-0": SourceWatermark(1.5, None)}, 2, ["news-0"], 4)) == [
        3,
        60,
        {"news-0": [1.5, None]},
        2,
        ["news-0"],
        4,
    ]


def test_keys_of_records():
    assert key_record_key("news/topic:Oil") == b'["key","news/topic:Oil"]'
    assert minute_record_key("news/topic:Oil", 7) == b'["minute","news/topic:Oil",7]'
