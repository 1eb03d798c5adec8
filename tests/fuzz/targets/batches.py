"""Answers of a broker to a fetch: batches of records that anybody may have written, in every codec."""

import random

from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.structs import TopicPartition
from generation import raw, texts
from raw_batches import Entry, batch

from stream.kafka import batch_checks, record_batches
from stream.kafka.record_batches import readable, unreadable
from targets.documents import document
from targets.target import Target, pack, unpack

PLACE = TopicPartition("news", 0)
POSITION, MOST_ENTRIES = 100, 3


def entry(rng: random.Random) -> Entry:
    headers = tuple(
        (texts.text(rng)[:50].encode("utf-8", "surrogatepass"), rng.choice((None, b"v"))) for _ in range(2)
    )
    return Entry(
        None if rng.random() < 0.1 else document(rng)[:500],
        rng.choice((None, b"key")),
        headers if rng.random() < 0.3 else (),
        rng.choice((None, None, None, 0, -1, 5, 2**31)),
        rng.choice((0, 0, 1, -(2**40), 2**40)),
        rng.choice((0, 0, 0, 255)),
    )


def answer(rng: random.Random) -> bytes:
    """One to three batches, the second of which may lie about itself behind a CRC that is right."""
    batches, base, inside = [], POSITION, False
    for number in range(rng.randint(1, 3)):
        entries = [entry(rng) for _ in range(rng.randint(1, MOST_ENTRIES))]
        if number != 1:
            entries = [each._replace(delta=None) for each in entries]
        inside = len(entries) > 1 if number == 0 else inside  # a fetch may begin inside of a batch
        odd = {}
        if rng.random() < 0.4:
            odd = rng.choice((
                {"stored": rng.randbytes(20)}, {"inside": rng.randbytes(20)}, {"count": 2**31 - 1}, {"count": -1},
                {"last_delta": -5}, {"last_delta": 2**31 - 1}, {"attributes": 0x10}, {"attributes": 0x20},
                {"attributes": 0x30}, {"attributes": 7}, {"magic": rng.randrange(4)}, {"timestamp": -(2**63)},
                {"timestamp": 2**63 - 1}, {"crc_error": 1}, {"producer": 7, "attributes": 0x10},
            ))  # fmt: skip
        batches.append(batch(entries, base, rng.randrange(5), **odd))
        base += len(entries)
    return pack(POSITION + (inside and rng.random() < 0.3), base, raw.damaged(rng, b"".join(batches), 0.4))


def check_answer(given: bytes) -> bool:
    position, end, content = unpack(given)
    if position >= end:
        return False
    found = readable(content, position, end)
    fetched = MemoryRecords(found)
    # As the consumer does.
    records = PartitionRecords(PLACE, fetched, [], position, None, None, False, READ_COMMITTED)
    before, good = position - 1, 0
    for record in records:
        assert before < record.offset < end or record.offset == position
        before = record.offset
        why = unreadable([(name, value) for name, value in record.headers])
        assert why is None or (why.reason and why.first_offset <= record.offset)
        good += why is None
    assert records.next_fetch_offset > position or not content, (
        "the broker would be asked for the same again for ever"
    )
    return bool(good)


TARGETS = (Target("record-batches", (record_batches, batch_checks), answer, check_answer, 40_000),)
