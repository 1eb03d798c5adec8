"""Whatever a partition holds, aiokafka can read what is made of it: the good records, and one for each bad batch."""

import gzip
from typing import Any, NamedTuple

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.memory_records import MemoryRecords
from hypothesis import given
from hypothesis import strategies as st
from raw_batches import CODECS, HEADER_BYTES, Entry, batch, records, varint

from stream.kafka.decompression import BATCH_BYTES
from stream.kafka.record_batches import ANSWER_BYTES, Unreadable, readable, unreadable

NEWS = TopicPartition("news", 0)
END = 10**6  # of the partition
TRANSACTIONAL, CONTROL = 0x10, 0x20
GOOD = [Entry(b"one", b"k1"), Entry(b"two"), Entry(b"three", b"")]


class Read(NamedTuple):
    """What aiokafka makes of an answer, and where it fetches next."""

    records: list[Any]
    position: int

    @property
    def values(self) -> dict[int, bytes]:
        return {each.offset: each.value for each in self.records if not each.headers}

    @property
    def bad(self) -> dict[int, Unreadable | None]:
        return {each.offset: unreadable(each.headers) for each in self.records if each.headers}


def read(
    answer: bytes, position: int = 0, end: int = END, aborted: list[tuple[int, int]] | None = None
) -> Read:
    """One fetch, as the consumer does it: from `position` on, committed records only."""
    found = PartitionRecords(
        NEWS,
        MemoryRecords(readable(answer, position, end)),
        aborted,
        position,
        None,
        None,
        False,
        READ_COMMITTED,
    )
    return Read(list(found), found.next_fetch_offset)


def read_all(batches: dict[int, bytes], position: int, end: int) -> Read:
    """Fetch until the end; each answer begins with the batch that holds the position. Batches by their base offset."""
    found = []
    while position < end:
        first = max(base for base in batches if base <= position)
        fetched = read(b"".join(batch for base, batch in batches.items() if base >= first), position, end)
        assert fetched.position > position
        found += fetched.records
        position = fetched.position
    offsets = [each.offset for each in found]
    assert offsets == sorted(set(offsets))
    return Read(found, position)


@pytest.mark.parametrize("codec", CODECS.values(), ids=CODECS)
def test_every_codec_is_read(codec: int):
    found = read(batch(GOOD, 40, codec) + batch(GOOD, 43, codec), 41)
    assert [each.offset for each in found.records] == [41, 42, 43, 44, 45]
    assert found.values == {41: b"two", 42: b"three", 43: b"one", 44: b"two", 45: b"three"}
    assert [each.key for each in found.records] == [None, b"", b"k1", None, b""]
    assert found.position == 46


def test_what_is_already_readable_is_passed_on_as_it_is():
    answer = batch(GOOD) + batch(GOOD, 3)
    assert readable(answer, 0, END) == answer
    assert readable(answer + batch(GOOD, 6)[:-1], 0, END) == answer, "the last one was cut off by the broker"
    assert readable(b"", 0, END) == b""


HEADERS = {
    "not UTF-8": ((b"\xff\xfe", b"x"),),
    "ten thousand": ((b"n", b"v"),) * 10_000,
    "half a megabyte": ((b"n" * 250_000, b"v" * 250_000),),
    "null": ((b"n", None), (b"", None)),
    "forged": ((b"unreadable", b"no"), (b"first_offset", b"x")),
    "a name twice": ((b"a", b"1"), (b"a", b"2")),
}


@pytest.mark.parametrize("codec", [0, 4])
@pytest.mark.parametrize("headers", HEADERS.values(), ids=HEADERS)
def test_headers_are_left_out_unread(headers: tuple[tuple[bytes, bytes | None], ...], codec: int):
    found = read(batch([Entry(b"one"), Entry(b"two", b"key", headers), Entry(b"three")], 7, codec), 7)
    assert found.values == {7: b"one", 8: b"two", 9: b"three"}
    assert found.records[1].key == b"key" and found.records[1].timestamp == found.records[0].timestamp
    assert found.position == 10


def test_headers_that_lie_about_themselves_do_no_harm():
    inside = b"\x00\x00\x00" + varint(-1) + varint(2) + b"ok" + varint(10**9) + b"\xff" * 30
    found = read(batch(inside=varint(len(inside)) + inside, count=1))
    assert found.values == {0: b"ok"}


ONE = records([Entry(b"one")])
BAD = {
    "corrupt gzip": (batch(codec=1, stored=b"\x1f\x8b" + b"garbage" * 9, count=3), "not valid gzip"),
    "truncated gzip": (batch(codec=1, stored=gzip.compress(ONE)[:-9], count=3), "not valid gzip"),
    "corrupt snappy": (batch(codec=2, stored=b"\xff" * 30, count=3), "not valid snappy"),
    "snappy that lies": (
        batch(codec=2, stored=b"\xff\xff\xff\xff\x0f" * 3, count=3),
        "snappy that holds more than",
    ),
    "snappy cut in a block": (
        batch(codec=2, stored=b"\x82SNAPPY\x00\0\0\0\1\0\0\0\1\0\0\0\x09abc", count=3),
        "not valid snappy",
    ),
    "corrupt lz4": (batch(codec=3, stored=b"garbage" * 9, count=3), "not valid lz4"),
    "empty lz4": (batch(codec=3, stored=b"", count=3), "not valid lz4"),
    "corrupt zstd": (batch(codec=4, stored=b"garbage" * 9, count=3), "not valid zstd"),
    "codec 5": (batch(codec=5, stored=ONE, count=3), "unknown codec 5"),
    "codec 7": (batch(codec=7, stored=ONE, count=3), "unknown codec 7"),
    "wrong CRC": (batch(GOOD, crc_error=1), "CRC"),
    "cut inside": (batch(inside=records(GOOD)[:-4], count=3), "ends behind the batch"),
    "cut at a record": (batch(inside=ONE, count=3), "ends behind the batch"),
    "too few records": (batch(GOOD, count=2, last_delta=2), "more than its records"),
    "a negative count": (batch(GOOD, count=-1, last_delta=2), "more than its records"),
    "two thousand million records": (batch(GOOD, count=2**31 - 1, last_delta=2), "a record ends behind"),
    "a varint without an end": (batch(inside=b"\xff" * 40, count=3), "no end"),
    "a length beyond 64 bits": (batch(inside=varint(2**62) + b"x", count=3), "ends behind the batch"),
    "a value beyond its record": (
        batch(inside=varint(6) + b"\0\0\0" + varint(-1) + varint(2**40), count=1, last_delta=2),
        "shorter than its fields",
    ),
    "bytes behind the fields": (
        batch(inside=varint(7) + b"\0\0\0\1\1\0x", count=1, last_delta=2),
        "longer than its fields",
    ),
    "an offset far ahead": (batch([Entry(b"x", delta=5_000_000)], last_delta=2), "offset is 5000000 behind"),
    "an offset before the batch": (batch([Entry(b"x", delta=-3)], last_delta=2), "offset is -3 behind"),
    "an offset twice": (
        batch([Entry(b"x", delta=1), Entry(b"y", delta=1)], last_delta=2),
        "offset is 1 behind",
    ),
    "no records and a negative last offset": (batch(last_delta=-4), "its last offset would be 6"),
    "an old format": (batch(GOOD, magic=1), "message format 1"),
    "a new format": (batch(GOOD, magic=3), "message format 3"),
}


@pytest.mark.parametrize(("bad", "reason"), BAD.values(), ids=BAD)
def test_a_batch_that_cannot_be_read_is_one_record_and_nothing_else_is_lost(bad: bytes, reason: str):
    base = 12 if "format" in reason else 10  # the old ones name their last offset
    bad = base.to_bytes(8, "big") + bad[8:]
    found = read_all({7: batch(GOOD, 7), 10: bad, 13: batch(GOOD, 13)}, 7, 16)
    at = 10 if "would be" in reason else 12
    assert found.values == dict(zip([7, 8, 9, 13, 14, 15], [b"one", b"two", b"three"] * 2, strict=True))
    ((offset, why),) = found.bad.items()
    assert why is not None and why.first_offset == 10 and reason in why.reason and offset == at
    assert len(why.reason) < 200
    (stand_in,) = (each for each in found.records if each.headers)
    assert stand_in.value == bad
    assert found.position == 16


def test_the_last_offset_is_never_taken_from_a_batch_that_is_wrong():
    """One that says it holds 2,000 million records would take the position behind all that come."""
    lies = batch(GOOD, 10, last_delta=2**31 - 1, crc_error=1)
    assert read(lies + batch(GOOD, 13), 10).bad.keys() == {12}
    assert read(lies, 10, end=13).bad.keys() == {12}
    assert read(batch(GOOD, 10, last_delta=2**31 - 1), 10, end=13).bad.keys() == {12}, "its CRC is right"
    before = read(batch(GOOD, 0) + batch(GOOD, 13), 10)
    assert (before.bad.keys(), before.values.keys()) == ({10}, {13, 14, 15})
    back = batch(GOOD, 10, last_delta=-5, crc_error=1)
    assert (read(back, 10).bad.keys(), read(back, 10).position) == ({10}, 11)


def test_a_batch_in_the_middle_of_which_reading_goes_on_begins_there():
    found = read(batch(GOOD, 10, crc_error=1), 11)
    assert found.bad == {12: Unreadable("the CRC does not fit the bytes", 11)}
    assert found.position == 13


@pytest.mark.parametrize("length", [0, -1, 4, -(2**31)])
def test_a_wrong_length_takes_one_offset_at_a_time(length: int):
    answer = batch(GOOD, 5)
    answer = answer[:8] + length.to_bytes(4, "big", signed=True) + answer[12:]
    found = read(answer, 5)
    assert len(found.bad) == 1 and found.position > 5


def test_an_answer_that_is_shorter_than_a_batch_takes_one_offset():
    for size in (3, 11, 12, 17, HEADER_BYTES - 1, HEADER_BYTES + 2):
        found = read(batch(GOOD, 5)[:size], 5)
        assert len(found.bad) == 1 and found.position > 5, size


def test_of_an_aborted_transaction_nothing_is_seen_not_even_that_it_cannot_be_read():
    marker = batch([Entry(b"\0\0\0\0\0\0", b"\0\0\0\0")], 6, attributes=TRANSACTIONAL | CONTROL, producer=9)
    aborted = batch(GOOD, 0, attributes=TRANSACTIONAL, producer=9)
    bad = batch(codec=5, stored=ONE, count=3, base=3, attributes=TRANSACTIONAL, producer=9)
    again = batch(GOOD, 7, attributes=TRANSACTIONAL, producer=9)
    found = read(aborted + bad + marker + again, aborted=[(9, 0)])
    assert found.bad == {}
    assert found.values == {7: b"one", 8: b"two", 9: b"three"}


MARKERS = {
    "without a key": [Entry(b"\0" * 6)],
    "with a key of two bytes": [Entry(b"\0" * 6, b"\0\0")],
    "without a record": [],
}


@pytest.mark.parametrize("entries", MARKERS.values(), ids=MARKERS)
def test_a_control_batch_that_cannot_be_read_ends_the_answer(entries: list[Entry]):
    """It may have ended a transaction: what follows is asked for again, without what was aborted before it."""
    marker = batch(entries, 3, attributes=TRANSACTIONAL | CONTROL, producer=9, last_delta=0)
    found = read(
        batch(GOOD, 0) + marker + batch(GOOD, 4, attributes=TRANSACTIONAL, producer=9), aborted=[(9, 0)]
    )
    assert found.bad.keys() == {3} and found.position == 4
    assert found.values == {0: b"one", 1: b"two", 2: b"three"}


@pytest.mark.parametrize("codec", [1, 2, 3, 4])
def test_what_inflates_beyond_the_limit_is_not_inflated(codec: int):
    """The limit itself is read; 8 KB of zstd could hold 256 MiB."""
    room = BATCH_BYTES - len(records([Entry(b"x" * BATCH_BYTES)])) + BATCH_BYTES
    assert read(batch([Entry(b"x" * room)], codec=codec)).values[0] == b"x" * room
    found = read(batch([Entry(b"x" * (room + 1))], codec=codec) + batch(GOOD, 1))
    assert f"holds more than {BATCH_BYTES} bytes" in found.bad[0].reason
    assert found.values == {1: b"one", 2: b"two", 3: b"three"}


@pytest.mark.parametrize("end", [10, 11, 12])
def test_a_batch_that_came_while_the_broker_read_is_read(end: int):
    found = read(batch(GOOD, 10), 10, end)
    assert (found.values, found.bad) == ({10: b"one", 11: b"two", 12: b"three"}, {})
    assert found.position == 13


def test_many_small_batches_of_large_records_are_read_one_after_the_other():
    large = [batch([Entry(b"x" * 2**20)], number, 4) for number in range(60)]
    position, rounds = 0, 0
    while position < 60:
        found = read(b"".join(large[position:]), position)
        assert sum(len(each.value) for each in found.records) <= ANSWER_BYTES + 2**20
        position, rounds = found.position, rounds + 1
    assert rounds >= 12


@given(st.data())
def test_no_change_of_any_byte_makes_it_stop_or_lose_a_good_batch(data: st.DataObject):
    """The CRC is made right again half of the time: then nothing but the checks of this module stands between."""
    codec = data.draw(st.sampled_from(list(CODECS.values())))
    inside = bytearray(records([*GOOD, Entry(b"four", b"k", ((b"\xff", None),))]))
    for place in data.draw(st.lists(st.integers(0, len(inside) - 1), max_size=4)):
        inside[place] = data.draw(st.integers(0, 255))
    bad = bytearray(batch(inside=bytes(inside), codec=codec, base=10, count=4))
    for place in data.draw(st.lists(st.integers(12, len(bad) - 1), max_size=4)):
        bad[place] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        attributes, delta, count = (
            int.from_bytes(bad[21:23], "big", signed=True),
            *_signed(bad, 23),
            *_signed(bad, 57),
        )
        bad = bytearray(
            batch(
                stored=bytes(bad[HEADER_BYTES:]),
                base=10,
                attributes=attributes,
                last_delta=delta,
                count=count,
                producer=int.from_bytes(bad[43:51], "big", signed=True),
                magic=bad[16] & 0x7F,
            )
        )
    found = read_all({7: batch(GOOD, 7), 10: bytes(bad), 14: batch(GOOD, 14)}, 7, 17)
    assert {offset: found.values[offset] for offset in (7, 8, 9, 14, 15, 16)} == dict(
        zip([7, 8, 9, 14, 15, 16], [b"one", b"two", b"three"] * 2, strict=True)
    )


def _signed(data: bytearray, at: int) -> tuple[int]:
    return (int.from_bytes(data[at : at + 4], "big", signed=True),)


def test_what_a_wrong_length_leaves_behind_the_last_record_takes_no_offset_of_records_to_come():
    whole = batch([Entry(b"one")])
    cut = whole[:8] + (len(whole) - 12 - 30).to_bytes(4, "big") + whole[12:] + bytes(30)
    assert read(cut, 0, 1).position == 1
    assert read(whole + b"x" * 80, 0, 1).position == 1
