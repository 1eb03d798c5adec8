"""What the `state` topic holds: small records, by key; enough to go on exactly where the last commit stood."""

from dataclasses import dataclass, field
from typing import Any, TypeVar

import msgspec

from stream.aggregate.panes import MinuteRecord
from stream.aggregate.watermark import SourceWatermark

Key = TypeVar("Key")
Value = TypeVar("Value")

VERSION = 2  # of the records' layout; state of another version is refused, never misread


class DetectorRecord(msgspec.Struct, array_like=True):
    """What is kept of a key for one kind of alert."""

    state: Any  # of the detector's `state_type`; as decoded, plain values: `KeyState` converts them
    historical: bool = False  # the alert that fires was detected long after its window, and has paged nobody


class KeyRecord(msgspec.Struct, array_like=True):
    """What is kept of a key besides its counts."""

    detectors: dict[str, DetectorRecord] = {}  # by kind; those of a kind this release does not know stay
    emitted: dict[int, list[int]] = {}  # the counts last written to `rates`, by the window's seconds
    due: int | None = None  # next evaluation even if nothing changes by then (a late document)


class PositionRecord(msgspec.Struct, array_like=True):
    """How far the partition of `classified` has been applied."""

    offset: int = 0  # the next message to apply
    evaluated: int | None = None  # the pane end up to which every key has been evaluated
    claims: dict[str, SourceWatermark] = {}
    version: int = VERSION


@dataclass
class PartitionState:
    """All records of one partition."""

    position: PositionRecord = field(default_factory=PositionRecord)
    keys: dict[str, KeyRecord] = field(default_factory=dict)
    minutes: dict[tuple[str, int], MinuteRecord] = field(default_factory=dict)


POSITION_KEY = msgspec.json.encode(["position"])
_position = msgspec.msgpack.Decoder(PositionRecord)
_key_record = msgspec.msgpack.Decoder(KeyRecord)
_minute_record = msgspec.msgpack.Decoder(MinuteRecord)
encode_record = msgspec.msgpack.Encoder().encode


def key_record_key(key: str) -> bytes:
    """The Kafka key of a key's record."""
    return msgspec.json.encode(["key", key])


def minute_record_key(key: str, minute: int) -> bytes:
    """The Kafka key of the counts of one key and minute (Unix seconds // 60)."""
    return msgspec.json.encode(["minute", key, minute])


def load(state: PartitionState, record_key: bytes, value: bytes | None) -> None:
    """Put one record of the log into the state; a later one replaces an earlier one, None removes it."""
    kind, *name = msgspec.json.decode(record_key)
    if kind == "position" and value is not None:
        state.position = _position.decode(value)
    elif kind == "key":
        _put(state.keys, name[0], None if value is None else _key_record.decode(value))
    elif kind == "minute":
        _put(state.minutes, (name[0], name[1]), None if value is None else _minute_record.decode(value))


def _put(records: dict[Key, Value], key: Key, value: Value | None) -> None:
    if value is None:
        records.pop(key, None)
    else:
        records[key] = value
