"""The layout of the records in `state`. A change here is another layout: VERSION must grow with it."""

import msgspec
import pytest
from aiokafka import TopicPartition

from alerting.detection.policy import load_policy
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.records import Candidate, MinuteRecord, Pane
from stream.aggregate.recovery import built
from stream.aggregate.state import (
    VERSION,
    DetectorRecord,
    KeyRecord,
    PartitionState,
    PositionRecord,
    encode_record,
    key_record_key,
    load,
    minute_record_key,
)
from stream.aggregate.watermark import SourceWatermark
from stream.errors import StreamError


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


@pytest.mark.parametrize("start", [0, 59, 120, -60])
def test_a_pane_of_another_minute_is_not_a_record_of_this_version(start: int):
    state = PartitionState()
    value = encode_record(MinuteRecord({start: Pane(1)}))
    with pytest.raises(ValueError, match="minute 1 holds a pane of another minute"):
        load(state, minute_record_key("news/topic:Oil", 1), value)
    load(state, minute_record_key("news/topic:Oil", start // 60), value)


def emitted(counts: tuple[int, ...]) -> PartitionState:
    state = PartitionState()
    state.keys["news/topic:Oil"] = KeyRecord(emitted={900: counts})  # type: ignore[dict-item]
    return state


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        (emitted((1, 0, 1, 0, 1)), "nothing was evaluated"),
        (PartitionState(keys={"news/x": KeyRecord()}), "it is about 'x'"),
        (PartitionState(keys={"news/topic:x": KeyRecord({"surge": DetectorRecord(b"odd")})}), "Error"),
        (PartitionState(minutes={"news/topic:x": {"a": b"", 1: b""}}), "not supported between"),
    ],
)
def test_records_that_contradict_each_other_are_one_clear_error(state: PartitionState, reason: str):
    def build(found: PartitionState) -> Aggregator:
        return Aggregator(load_policy(), "model", ["news-0"], found)

    with pytest.raises(StreamError, match="state partition 3: its records contradict each other") as refused:
        built(TopicPartition("state", 3), state, build)
    assert reason in str(refused.value)
    assert built(TopicPartition("state", 3), emitted((0, 0, 0, 0, 0)), build).keys


def test_keys_of_records():
    assert key_record_key("news/topic:Oil") == b'["key","news/topic:Oil"]'
    assert minute_record_key("news/topic:Oil", 7) == b'["minute","news/topic:Oil",7]'
