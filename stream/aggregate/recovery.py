"""Reads the state of one partition of `classified` back: on a thread, so that the worker's event loop stays free."""

import asyncio
import threading
import time
from collections.abc import Callable
from typing import TypeVar

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from bearwatch.core.printable import brief
from stream.aggregate.state import POSITION_KEY, RELEASES, VERSION, PartitionState, load
from stream.errors import StreamError
from stream.kafka.readable_fetches import read_anything
from stream.kafka.record_batches import unreadable
from stream.kafka.topics import TopicNames
from stream.settings import WorkerSettings

STALL_SECONDS = 60.0  # state that cannot be read on for this long ends the worker
Result = TypeVar("Result")
Log = dict[bytes, tuple[int, bytes]]  # record key -> offset and value of its last record


async def recover(
    settings: WorkerSettings, partition: int, partitions: int, build: Callable[[PartitionState], Result]
) -> Result:
    """What `build` makes of the state, which is read and built on a thread of its own.

    Args:
        settings: where Kafka is and what the topics are called.
        partition: of `state`, and of `classified`.
        partitions: how many `classified` has now.
        build: called on the thread with the state.

    Raises:
        StreamError: the state cannot be read, or belongs to another release or number of partitions.
    """
    stopped = threading.Event()
    place = TopicPartition(TopicNames(settings.prefix).state, partition)

    def work() -> Result:
        return built(place, _recovered(settings, partition, partitions, stopped), build)

    try:
        return await asyncio.to_thread(work)
    finally:
        stopped.set()  # a partition that was given up is not read on


def _recovered(
    settings: WorkerSettings, partition: int, partitions: int, stopped: threading.Event
) -> PartitionState:
    name = TopicNames(settings.prefix).state
    place = TopicPartition(name, partition)
    log = asyncio.run(_read(settings, place, stopped))
    state = PartitionState()
    _load(state, place, log, POSITION_KEY)
    _check_version(state, place)
    _check_partitions(state, place, partitions)
    if not log and partition:  # a new partition does not know for how many the others were kept
        first = PartitionState()
        other = TopicPartition(name, 0)
        _load(first, other, asyncio.run(_read(settings, other, stopped)), POSITION_KEY)
        _check_partitions(first, other, partitions)
    for key in log:
        _load(state, place, log, key)
    return state


def built(place: TopicPartition, state: PartitionState, build: Callable[[PartitionState], Result]) -> Result:
    """What `build` makes of the state of a partition.

    Raises:
        StreamError: each record can be read, but together they cannot be the state of a worker.
    """
    try:
        _check_consistency(state)
        return build(state)
    except (msgspec.MsgspecError, TypeError, ValueError, LookupError, ArithmeticError) as error:
        raise StreamError(
            f"{place.topic} partition {place.partition}: its records contradict each other ({brief(repr(error))}); "
            "did something else write to it? Start again under another --prefix"
        ) from None


async def _read(settings: WorkerSettings, place: TopicPartition, stopped: threading.Event) -> Log:
    """The last record of each key, as compaction would leave them."""
    consumer = read_anything(
        AIOKafkaConsumer(
            **settings.connection.client_options(),
            isolation_level="read_committed",
            enable_auto_commit=False,
            fetch_max_wait_ms=100,
        )
    )
    await consumer.start()
    log: Log = {}
    try:
        consumer.assign([place])
        await consumer.seek_to_beginning(place)
        end = (await consumer.end_offsets([place]))[place]
        moved = time.monotonic()
        while (position := await consumer.position(place)) < end and not stopped.is_set():
            for record in (await consumer.getmany(place, timeout_ms=200)).get(place, ()):
                if (batch := unreadable(record.headers)) is not None:
                    raise StreamError(
                        f"{place.topic} partition {place.partition}, offset {record.offset}: a batch that cannot be "
                        f"read ({batch.reason}); no worker wrote it. Start again under another --prefix"
                    )
                if record.value is None:
                    log.pop(record.key, None)
                else:
                    log[record.key] = (record.offset, record.value)
            if await consumer.position(place) > position:
                moved = time.monotonic()
            elif time.monotonic() - moved > STALL_SECONDS:
                raise StreamError(
                    f"{place.topic} partition {place.partition}: no record could be read from offset {position} on "
                    f"(end {end}) for {STALL_SECONDS:.0f} s; the counts cannot be recovered"
                )
    finally:
        await consumer.stop()
    return log


def _load(state: PartitionState, place: TopicPartition, log: Log, key: bytes) -> None:
    if key not in log:
        return
    offset, value = log[key]
    try:
        load(state, key, value)
    except (msgspec.MsgspecError, TypeError, ValueError, LookupError, RecursionError) as error:
        raise StreamError(
            f"{place.topic} partition {place.partition}, offset {offset}: this is not a record of version "
            f"{VERSION} ({brief(error)}); run the release that wrote it, or start again under another --prefix"
        ) from None


def _check_consistency(state: PartitionState) -> None:
    """Raises ValueError: what counting relies on does not hold. (Nobody but a worker should write to `state`.)"""
    if state.position.evaluated is None and any(
        any(counts) for record in state.keys.values() for counts in record.emitted.values()
    ):
        raise ValueError("counts were written to rates, but nothing was evaluated")


def _check_version(state: PartitionState, place: TopicPartition) -> None:
    found = state.position.version
    if found != VERSION:
        release = f"release {RELEASES[found]}" if found in RELEASES else "the release that wrote it"
        raise StreamError(
            f"{place.topic} partition {place.partition} holds state of version {found}; this worker reads version "
            f"{VERSION}: run {release}, or start again under another --prefix"
        )


def _check_partitions(state: PartitionState, place: TopicPartition, partitions: int) -> None:
    kept = state.position.partitions
    if kept not in (0, partitions):
        raise StreamError(partitions_changed(place.topic, kept, partitions))


def partitions_changed(state_topic: str, kept: int, now: int) -> str:
    """Why a worker refuses to work with another number of partitions, and what to do."""
    return (
        f"`classified` has {now} partitions now, but {state_topic} was kept for {kept}: keys would be split between "
        "partitions. Their number is fixed when the topics are created: create topics with as many as you need "
        "under another --prefix (`bearwatch topics --partitions`) and send the history again"
    )
