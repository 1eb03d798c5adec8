"""Messages of `classified`, records of `state`, positions and watermarks: what decides the counts."""

import functools
import random
from types import SimpleNamespace

import msgspec
from aiokafka import TopicPartition
from generation import raw, trees
from messages import classified

from alerting.detection.policy import Policy, load_policy
from stream.aggregate.agent import decode
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.recovery import _check_consistency, _check_partitions, _check_version, _load, built
from stream.aggregate.state import POSITION_KEY, PartitionState, load
from stream.aggregate.watermark import Watermark
from stream.classify.progress import SourceProgress
from stream.errors import StreamError
from stream.kafka.positions import is_contiguous
from stream.messages import TICK_KEY, Tick, encode
from targets.target import Target, pack, unpack

NOW = 1_800_000_000.0
PLACE = TopicPartition("bearwatch.state", 0)
SOURCES = ["bearwatch.news-0", "bearwatch.comments-0"]
CLASSIFIED = msgspec.json.decode(encode(classified(NOW, offset=5, negative=True)))
TICK = msgspec.json.decode(encode(Tick(source=SOURCES[0], offset=9, event_time=NOW + 60, clock=NOW + 61)))


@functools.cache
def policy() -> Policy:
    return load_policy()


def aggregator(state: PartitionState | None = None) -> Aggregator:
    return Aggregator(policy(), "model", SOURCES, state, 1)


@functools.cache
def log() -> dict[bytes, bytes]:
    """Records of `state` as a worker writes them, of one key with some documents, evaluated once."""
    counted = aggregator()
    for number in range(8):
        counted.apply(classified(NOW + 20 * number, offset=number, negative=number % 2 == 0), NOW)
    for source in SOURCES:
        counted.apply(Tick(source=source, offset=9, event_time=NOW + 300, clock=NOW + 301), NOW)
    return {key: value for key, value in counted.take_changes().records.items() if value is not None}


def message(rng: random.Random) -> bytes:
    """Two records of `classified`, the first of which is mostly a document."""
    parts = []
    for sample in (CLASSIFIED, rng.choice((CLASSIFIED, TICK))):
        key = TICK_KEY if ("clock" in sample) == (rng.random() < 0.97) else b"key"
        parts += [key, raw.damaged(rng, trees.as_json(rng, trees.changed(rng, sample, 2)), 0.1)]
    return pack(rng.choice((NOW, NOW + 1e6, 0.0)), *parts)


def check_message(given: bytes) -> bool:
    stamp, *parts = unpack(given)
    counted, accepted = aggregator(), 0
    for key, value in zip(parts[::2], parts[1::2], strict=True):
        record = SimpleNamespace(
            topic="classified", partition=0, offset=1, key=key, value=value, timestamp=stamp
        )
        try:
            counted.apply(decode(record), NOW)
        except StreamError as error:
            assert "classified partition 0, offset 1" in str(error)
        else:
            accepted += 1
    counted.apply(Tick(source=SOURCES[0], offset=9, event_time=NOW + 300), NOW)
    counted.apply(Tick(source=SOURCES[1], offset=9, event_time=NOW + 300), NOW)
    changes = counted.take_changes()
    assert all(each.documents >= each.stories >= each.negative_stories >= 0 for each in changes.rates)
    return bool(accepted)


def state(rng: random.Random) -> bytes:
    """The records of a partition, one or two of them changed: their values, seldom their keys."""
    parts, changed = [], rng.choices(range(3), k=rng.choice((0, 1, 1, 2)))
    for number, (key, value) in enumerate(log().items()):
        if number % 3 in changed:
            tree = msgspec.msgpack.decode(value)
            value = raw.damaged(rng, msgspec.msgpack.encode(trees.plain(trees.changed(rng, tree, 2))), 0.2)
            if rng.random() < 0.15:
                key = raw.damaged(
                    rng, trees.as_json(rng, trees.changed(rng, msgspec.json.decode(key), 1)), 0.3
                )
        parts += [key, value]
    return pack(*parts)


def check_state(given: bytes) -> bool:
    parts = unpack(given)
    records = {key: (0, value) for key, value in zip(parts[::2], parts[1::2], strict=True)}
    found = PartitionState()
    try:
        for key in (POSITION_KEY, *records):
            _load(found, PLACE, records, key)
        _check_version(found, PLACE)
        _check_partitions(found, PLACE, 1)
        counted = built(PLACE, found, aggregator)
    except StreamError:
        return False
    counted.apply(classified(NOW + 400, offset=50), NOW)
    for source in SOURCES:
        counted.apply(Tick(source=source, offset=99, event_time=NOW + 900), NOW)
    counted.take_changes()
    return True


def positions(rng: random.Random) -> bytes:
    near = [rng.randint(0, 12) for _ in range(60)]
    ends = (0.0, -1e300, 1e300, NOW)
    times = [rng.choice((None, None, rng.uniform(-5, 50), rng.choice(ends))) for _ in range(20)]
    return pack(near, times)


def check_positions(given: bytes) -> bool:
    near, times = unpack(given)
    progress, taken = SourceProgress(0, 0, 0.0), []
    for begin, length, _ in zip(near[::3], near[1::3], near[2::3], strict=True):
        if progress.take(begin, begin + length, 1.0):
            taken.append((begin, begin + length))
    assert [offset for _, offset in taken] == sorted({offset for _, offset in taken})
    reached = 0
    for begin, offset in taken:
        assert begin <= reached <= offset  # nothing between two records that were taken may be seen
        reached = offset + 1
    watermark = Watermark(SOURCES)
    for number, (event_time, clock) in enumerate(zip(times[::2], times[1::2], strict=True)):
        before = watermark.source_watermarks[SOURCES[number % 2]]
        watermark.observe(SOURCES[number % 2], event_time, clock)
        after = watermark.source_watermarks[SOURCES[number % 2]]
        assert before.event_time is None or (after.event_time or 0) >= before.event_time
        assert watermark.time is None or isinstance(watermark.time, float)
    return bool(taken)


TARGETS = (
    Target("classified", (decode,), message, check_message, 30_000),
    Target(
        "state",
        (load, _load, _check_version, _check_partitions, _check_consistency, built),
        state,
        check_state,
        20_000,
    ),
    Target(
        "positions",
        (is_contiguous, Watermark, SourceProgress.take),
        positions,
        check_positions,
        80_000,
    ),
)
