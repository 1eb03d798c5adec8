"""One record batch (message format 2): whether aiokafka can read it, and what it should read instead. Pure."""

import struct

from aiokafka.record.util import calc_crc32c, decode_varint, encode_varint

from stream.kafka.decompression import UnreadableError, decompress

# Base offset, length of what follows, leader epoch, format, CRC; attributes, last offset delta, first and last
# timestamp, producer id and epoch, first sequence number, number of records.
HEADER = struct.Struct(">qiibIhiqqqhii")
LENGTH = struct.Struct(">qi")  # its beginning, which is the same in every format
FORMAT_AT, CRC_FROM = 16, 21
FORMAT = 2  # of every record batch since Kafka 0.11; Kafka 4 writes no other
CODEC, TRANSACTIONAL, CONTROL = 0x07, 0x10, 0x20  # in the attributes
MARKER_KEY_BYTES = 4  # of a control record: version and type


def is_intact(batch: bytes) -> bool:
    """Whether its header is what the broker was given."""
    if len(batch) < HEADER.size or batch[FORMAT_AT] != FORMAT:
        return False
    return bool(HEADER.unpack_from(batch)[4] == calc_crc32c(memoryview(batch)[CRC_FROM:]))


def last_offset(batch: bytes) -> int:
    header = HEADER.unpack_from(batch)
    return int(header[0] + header[6])


def checked(batch: bytes, position: int, following: int, is_last: bool) -> bytes:
    """The batch, not compressed and without headers.

    Args:
        batch: as the broker sent it.
        position: the offset that is to be read next.
        end: the offset of what follows it.

    Raises:
        UnreadableError: aiokafka could not read it.
    """
    if len(batch) > FORMAT_AT and batch[FORMAT_AT] != FORMAT:
        raise UnreadableError(f"of the message format {batch[FORMAT_AT]}; Kafka writes {FORMAT}")
    if len(batch) < HEADER.size or LENGTH.unpack_from(batch)[1] != len(batch) - LENGTH.size:
        raise UnreadableError("its length is wrong")
    header = HEADER.unpack_from(batch)
    if not is_intact(batch):
        raise UnreadableError("the CRC does not fit the bytes")
    attributes, last_delta, count = header[5], header[6], header[12]
    last = header[0] + last_delta
    # A broker says where the records end before it reads them: a batch that comes meanwhile stands behind that. It is
    # new, so none of its records was compacted away, and their number, which is checked, gives its last offset.
    if last_delta < 0 or last < position or (last >= following and not (is_last and last_delta == count - 1)):
        raise UnreadableError(f"its last offset would be {last}")
    stored = batch[HEADER.size :]
    records = decompress(attributes & CODEC, stored) if attributes & CODEC else stored
    kept = _without_headers(records, count, last_delta)
    if attributes & CONTROL:
        _check_marker(records, count)
    if kept is stored:
        return batch
    length = HEADER.size - LENGTH.size + len(kept)
    return HEADER.pack(header[0], length, *header[2:5], attributes & ~CODEC, *header[6:]) + kept


def _without_headers(records: bytes, count: int, last_delta: int) -> bytes:
    """The same bytes where no record has headers.

    Raises:
        UnreadableError: the records are not what the batch says that they are.
    """
    # A varint is read up to its end, wherever that is: only what begins inside is read, and `bytes` end with a zero.
    parts, copied, at, previous = [], 0, 0, -1
    try:
        for _ in range(count):
            length, start = decode_varint(records, at)
            stop = start + length
            if length <= 0 or stop > len(records):
                raise UnreadableError("a record ends behind the batch")
            _, field = decode_varint(records, start)  # its attributes
            for _ in range(2):
                delta, field = _varint(records, field, stop)  # of the timestamp, of the offset
            if not previous < delta <= last_delta:
                raise UnreadableError(
                    f"a record's offset is {delta} behind the batch's, whose last is {last_delta}"
                )
            previous = delta
            for _ in range(2):
                size, field = _varint(records, field, stop)  # key, value
                field += max(size, 0)
            headers, behind = _varint(records, field, stop)
            if headers:
                parts += [records[copied:at], _record(records[start:field])]
                copied = stop
            elif behind != stop:
                raise UnreadableError("a record is longer than its fields")
            at = stop
    except (ValueError, IndexError):
        raise UnreadableError("a number inside a record has no end") from None
    if at != len(records) or count < 0:
        raise UnreadableError("it holds more than its records")
    return b"".join([*parts, records[copied:]]) if parts else records


def _varint(records: bytes, at: int, stop: int) -> tuple[int, int]:
    if at >= stop:
        raise UnreadableError("a record is shorter than its fields")
    value, behind = decode_varint(records, at)
    if behind > stop:
        raise UnreadableError("a record is shorter than its fields")
    return value, behind


def _record(fields: bytes) -> bytes:
    """A record of these fields, without headers."""
    length = bytearray()
    encode_varint(len(fields) + 1, length.append)
    return bytes(length) + fields + b"\x00"


def _check_marker(records: bytes, count: int) -> None:
    """Raises UnreadableError where a control batch has no record whose key says what it is."""
    if not count:
        raise UnreadableError("a control batch without a record")
    at = decode_varint(records, 0)[1]
    for _ in range(3):
        _, at = decode_varint(records, at)
    if decode_varint(records, at)[0] < MARKER_KEY_BYTES:
        raise UnreadableError("a control record without a type")
