"""What the `state` topic holds: small records, by key; enough to continue exactly where the last commit stood."""

from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from stream.aggregate.panes import MINUTE
from stream.aggregate.records import MinuteRecord
from stream.aggregate.watermark import SourceWatermark

RecordKey = TypeVar("RecordKey")
Value = TypeVar("Value")

VERSION = 2  # of the records' layout; state of another version is refused, never misread
RELEASES = {1: "0.1"}  # which release wrote the versions before


class DetectorRecord(msgspec.Struct, array_like=True):
    """What is kept of one kind of alert on a key."""

    state: bytes  # of its detector, as msgpack
    historical: bool = False  # the alert that fires was detected long after its window, and has paged nobody


class KeyRecord(msgspec.Struct, array_like=True):
    """What is kept of a key in addition to its counts."""

    detectors: dict[str, DetectorRecord] = {}  # by kind of alert
    emitted: dict[
        int, tuple[int, int, int, int, int]
    ] = {}  # window seconds -> counts last written to `rates`
    due: int | None = None  # the pane end at which the detectors are asked even if no count changes by then


class PositionRecord(msgspec.Struct, array_like=True):
    """How far the partition of `classified` has been applied. The place of `version` never changes."""

    offset: int = 0  # the next message to apply
    evaluated: int | None = None  # the pane end up to which every key has been evaluated
    source_watermarks: dict[str, SourceWatermark] = {}
    version: int = VERSION
    source_partitions: list[str] = []  # records name them by their position in this list
    partitions: int = (
        0  # of `classified`: with another number, keys would be elsewhere; 0 before the first commit
    )


@dataclass
class PartitionState:
    """All records of one partition.

    Minutes stay encoded: two days of them as objects would be a multiple of what is kept, and every object is work for
    the garbage collector, which stops all threads.
    """

    position: PositionRecord = field(default_factory=PositionRecord)
    keys: dict[str, KeyRecord] = field(default_factory=dict)
    # By key and minute; see `decode_minute`.
    minutes: dict[str, dict[int, bytes]] = field(default_factory=dict)


POSITION_KEY = msgspec.json.encode(["position"])
_position = msgspec.msgpack.Decoder(PositionRecord)
_key_record = msgspec.msgpack.Decoder(KeyRecord)
decode_minute = msgspec.msgpack.Decoder(MinuteRecord).decode
encode_record = msgspec.msgpack.Encoder().encode


def key_record_key(key: str) -> bytes:
    """The Kafka key of a key's record."""
    return msgspec.json.encode(["key", key])


def minute_record_key(key: str, minute: int) -> bytes:
    """The Kafka key of the counts of one key and minute (Unix seconds // 60)."""
    return msgspec.json.encode(["minute", key, minute])


def load(state: PartitionState, record_key: bytes, value: bytes | None) -> None:
    """Put one record of the log into the state; a later one replaces an earlier one, None removes it.

    Raises:
        msgspec.MsgspecError, TypeError, ValueError, LookupError: it is not a record of this version.
    """
    kind, *name = msgspec.json.decode(record_key)
    if kind == "position" and value is not None:
        state.position = _position.decode(value)
    elif kind == "key":
        _put(state.keys, name[0], None if value is None else _key_record.decode(value))
    elif kind == "minute":
        if value is not None:
            _check_minute(name[1], decode_minute(value))  # it is decoded again when it is needed
        _put(state.minutes.setdefault(name[0], {}), name[1], value)


def _check_minute(minute: int, record: MinuteRecord) -> None:
    if any(start // MINUTE != minute for start in record.panes):
        raise ValueError(f"minute {minute} holds a pane of another minute")


def _put(records: dict[RecordKey, Value], key: RecordKey, value: Value | None) -> None:
    if value is None:
        records.pop(key, None)
    else:
        records[key] = value
