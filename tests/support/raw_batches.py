"""Record batches as anybody may put them into a topic: every field of them may be wrong."""

import struct
from collections.abc import Iterable
from typing import NamedTuple

from aiokafka.codec import gzip_encode, lz4_encode, snappy_encode, zstd_encode
from aiokafka.record.util import calc_crc32c, encode_varint

CODECS = {"none": 0, "gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
COMPRESS = {
    0: bytes,
    1: lambda data: gzip_encode(data, 1),
    2: snappy_encode,
    3: lz4_encode,
    4: zstd_encode,
}
HEADER_BYTES = 61
NOW_MS = 1_767_323_045_000


class Entry(NamedTuple):
    """A record; header names are bytes, as Kafka keeps them."""

    value: bytes | None
    key: bytes | None = None
    headers: tuple[tuple[bytes, bytes | None], ...] = ()
    delta: int | None = None  # of the offset; None: its place in the batch
    timestamp_delta: int = 0
    attributes: int = 0  # a byte


def varint(value: int) -> bytes:
    found = bytearray()
    encode_varint(value, found.append)
    return bytes(found)


def field(value: bytes | None) -> bytes:
    return varint(-1) if value is None else varint(len(value)) + value


def records(entries: Iterable[Entry]) -> bytes:
    """The records of a batch before compression."""
    found = []
    for place, entry in enumerate(entries):
        delta = place if entry.delta is None else entry.delta
        inside = bytes([entry.attributes]) + varint(entry.timestamp_delta) + varint(delta)
        inside += field(entry.key) + field(entry.value)
        inside += varint(len(entry.headers))
        inside += b"".join(varint(len(name)) + name + field(value) for name, value in entry.headers)
        found.append(varint(len(inside)) + inside)
    return b"".join(found)


def batch(
    entries: Iterable[Entry] = (),
    base: int = 0,
    codec: int = 0,
    *,
    stored: bytes | None = None,  # instead of the entries, after compression
    inside: bytes | None = None,  # instead of the entries, before compression
    count: int | None = None,
    last_delta: int | None = None,
    attributes: int = 0,
    producer: int = -1,
    magic: int = 2,
    timestamp: int = NOW_MS,
    crc_error: int = 0,
) -> bytes:
    """A batch whose CRC is right unless `crc_error` says otherwise."""
    entries = list(entries)
    if stored is None:
        stored = COMPRESS[codec](records(entries) if inside is None else inside)
    count = len(entries) if count is None else count
    last_delta = count - 1 if last_delta is None else last_delta
    covered = struct.pack(
        ">hiqqqhii", attributes | codec, last_delta, timestamp, timestamp, producer, 0, -1, count
    )
    covered += stored
    length = HEADER_BYTES - 12 - 40 + len(covered)
    crc = calc_crc32c(covered) ^ crc_error
    return struct.pack(">qiibI", base, length, 0, magic, crc) + covered
