"""What a broker answers to a fetch, made readable: whatever feeds have put into a topic, aiokafka can parse it. Pure.

aiokafka stops for ever at a batch that it cannot read, decodes the names of headers, inflates without a limit and
takes a record's offset from whoever wrote it. So every batch is checked before aiokafka sees it:

- a compressed batch is replaced by the same one without compression;
- headers are left out, unread: nothing here needs them, and nobody can forge those of the next line;
- one that cannot be read is replaced by a single record at its last offset: the batch as it came, under the headers
  UNREADABLE (why) and FIRST_OFFSET.
"""

import struct
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from aiokafka.record.default_records import DefaultRecordBatchBuilder

from stream.kafka.batch_checks import (
    CONTROL,
    FORMAT,
    FORMAT_AT,
    HEADER,
    LENGTH,
    TRANSACTIONAL,
    checked,
    is_intact,
    last_offset,
)
from stream.kafka.decompression import UnreadableError

UNREADABLE, FIRST_OFFSET = "unreadable", "first_offset"
# Of one partition's records in memory, once decompressed; brokers answer with 1 MiB. The batch that passes it is the
# last one that is taken: at most this and BATCH_BYTES.
ANSWER_BYTES = 4 * 2**20


class Unreadable(NamedTuple):
    """Why a batch could not be read, and where it begins."""

    reason: str
    first_offset: int


def unreadable(headers: Sequence[tuple[str, bytes]]) -> Unreadable | None:
    """What the headers of a record say of the batch that it stands for; None for an ordinary record."""
    if not headers:
        return None
    fields = dict(headers)
    return Unreadable(fields[UNREADABLE].decode(), int(fields[FIRST_OFFSET]))


def readable(answer: bytes, position: int, end: int) -> bytes:
    """The batches of one partition that aiokafka may read.

    Args:
        answer: the broker's, whose first batch holds the record at `position` and whose last one may be cut off.
        position: the offset that was asked for.
        end: the offset behind the partition's last record, when the broker began to read.
    """
    spans = list(_spans(answer))
    taken: list[bytes] = []
    size = 0
    for number, (start, stop) in enumerate(spans):
        if taken and position >= end:
            break  # behind the last record there is none yet: the rest of a batch whose length is wrong
        batch = answer[start:stop]
        following = _base_offset(answer, stop) if number + 1 < len(spans) else end
        if not position < following <= end:
            following = end
        try:
            taken.append(checked(batch, position, following, following == end))
        except UnreadableError as error:
            first, last = _offsets(batch, position, following - 1)
            taken.append(_stand_in(batch, Unreadable(str(error), first), last))
            position = last + 1
            if _may_end_a_transaction(batch):
                break  # behind it aiokafka begins anew, and asks the broker what was aborted
        else:
            position = last_offset(batch) + 1
        size += len(taken[-1])
        if size >= ANSWER_BYTES:
            break
    return b"".join(taken)


def _spans(answer: bytes) -> Iterator[tuple[int, int]]:
    """Where batches begin and end; the cut one at the end is left out, but an answer is never empty."""
    start = 0
    while len(answer) - start >= LENGTH.size:
        stop = start + LENGTH.size + LENGTH.unpack_from(answer, start)[1]
        if stop <= start + FORMAT_AT:
            stop = len(answer)  # the length is wrong: what follows cannot be told apart
        if stop > len(answer):
            break
        yield start, stop
        start = stop
    if start == 0 and answer:
        yield 0, len(answer)


def _may_end_a_transaction(batch: bytes) -> bool:
    return not is_intact(batch) or bool(HEADER.unpack_from(batch)[5] & CONTROL)


def _offsets(batch: bytes, position: int, limit: int) -> tuple[int, int]:
    """First and last offset of a batch whose own words may be wrong: never behind `limit`, the last one possible.

    Where nothing can be known it is one offset: the broker, asked for the next one, gives the batch again or not.
    """
    if len(batch) < LENGTH.size:
        return position, position
    base = _base_offset(batch)
    if len(batch) < HEADER.size or batch[FORMAT_AT] != FORMAT:
        # The old formats give the offset of a set's last record.
        return position, max(position, min(base, limit))
    first = max(position, base) if base <= limit else position
    return first, max(first, min(last_offset(batch), limit))


def _base_offset(answer: bytes, at: int = 0) -> int:
    return int(LENGTH.unpack_from(answer, at)[0])


def _stand_in(batch: bytes, why: Unreadable, last: int) -> bytes:
    """A batch of one record at offset `last`; of the same transaction as the other one, if its CRC is right."""
    transactional, producer, epoch = False, -1, -1
    if is_intact(batch) and not (header := HEADER.unpack_from(batch))[5] & CONTROL:
        transactional, producer, epoch = bool(header[5] & TRANSACTIONAL), header[9], header[10]
    builder: Any = DefaultRecordBatchBuilder(FORMAT, 0, transactional, producer, epoch, -1, 2**31 - 1)
    headers = [(UNREADABLE, why.reason.encode()), (FIRST_OFFSET, str(why.first_offset).encode())]
    builder.append(0, 0, None, batch, headers)
    made = bytes(builder.build())
    return struct.pack(">q", last) + made[8:]
