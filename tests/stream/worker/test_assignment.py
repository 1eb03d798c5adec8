"""Rebalances: everything is given back and taken again, and what was given up does no harm."""

import asyncio
import gc
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

import pytest
from aiokafka import TopicPartition
from exactness import records
from messages import classified
from waiting import PATIENCE_SECONDS

from alerting.alerts import Alert
from alerting.detection.policy import load_policy
from bearwatch.local.kafka import LocalKafka
from stream.classify.result_producer import SendBatch
from stream.errors import StreamError
from stream.kafka.admin import admin_client
from stream.kafka.offsets import OffsetsClient
from stream.kafka.topics import TopicNames, create_topics
from stream.messages import TICK_KEY, Tick
from stream.settings import WorkerSettings
from stream.worker.assignment import Assignment

TICK = Tick(source="news-0", offset=1, event_time=1.0)

# aiokafka leaves a connection to the garbage collector when its producer is stopped while it starts.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Such connections are gone before the next file's tests begin."""
    yield
    gc.collect()


async def as_they_are(alerts: list[Alert]) -> list[Alert]:
    return alerts


def fail(error: BaseException) -> None:
    raise AssertionError("the worker would end") from error


@asynccontextmanager
async def assignment(broker: LocalKafka, prefix: str, **settings: float) -> AsyncIterator[Assignment]:
    offsets_client = OffsetsClient(broker.connection, f"{prefix}group")
    await offsets_client.start()
    chosen = WorkerSettings(broker.connection, prefix, **settings)  # type: ignore[arg-type]
    made = Assignment(chosen, load_policy(), "model", ["news-0"], 2, offsets_client, as_they_are, fail)
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield made
    finally:
        await made.stop()
        await offsets_client.stop()


def test_it_knows_the_next_offset_of_everything(broker: LocalKafka, prefix: str):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=2)
    news, classified = TopicPartition(names.news, 1), TopicPartition(names.classified, 0)

    async def run() -> None:
        async with assignment(broker, prefix) as held:
            assert not held.known
            await held.assigned({news, classified})
            assert held.known and held.ready.is_set()
            assert held.recovering == 1
            assert held.positions() == {news: 0}
            await held.tasks[0].ready.wait()
            assert held.recovering == 0
            assert held.positions() == {news: 0, classified: 0}
            await held.revoked(set())
            assert not held.ready.is_set()
            assert held.positions() == {}
            assert list(held.decisions()) == list(held.watermarks()) == []

    asyncio.run(run())


def test_a_task_given_up_while_it_starts_does_not_fence_its_successor(broker: LocalKafka, prefix: str):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=1)
    classified = TopicPartition(names.classified, 0)

    async def run() -> None:
        async with assignment(broker, prefix) as held:
            for moments in range(8):
                await held.assigned({classified})
                await asyncio.sleep(0.01 * moments)
                await held.revoked({classified})
            await held.assigned({classified})
            task = held.tasks[0]
            await task.ready.wait()
            for number in range(3):
                await task.apply([(number, number, TICK)], now=1.0)
                assert task.position == number + 1

    asyncio.run(run())


def test_who_waits_for_a_task_that_is_given_up_does_not_wait_for_ever(broker: LocalKafka, prefix: str):
    """Two rebalances within milliseconds: the agent waited for the first task, and partitions stood still."""
    create_topics(broker.connection, names := TopicNames(prefix), partitions=1)
    classified = TopicPartition(names.classified, 0)

    async def run() -> None:
        async with assignment(broker, prefix) as held:
            await held.assigned({classified})
            given_up = held.tasks[0]
            waiting = asyncio.create_task(given_up.apply([(0, 0, TICK)], now=1.0))
            await asyncio.sleep(0)  # it waits for the state
            await held.assigned({classified})
            async with asyncio.timeout(PATIENCE_SECONDS):
                assert not (await waiting).records
            assert not (await given_up.apply([(0, 0, TICK)], now=1.0)).records
            await held.tasks[0].apply([(0, 0, TICK)], now=1.0)
            assert held.tasks[0].position == 1, "its successor applies it"

    asyncio.run(run())


def test_a_gap_is_measured_until_it_closes(broker: LocalKafka, prefix: str):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=1)
    news, classified = TopicPartition(names.news, 0), TopicPartition(names.classified, 0)

    async def run() -> None:
        async with assignment(broker, prefix) as held:
            await held.assigned({news, classified})
            assert held.offset_gap_seconds() <= 0
            await held.tasks[0].ready.wait()
            assert not (await held.tasks[0].apply([(3, 3, TICK)], now=1.0)).records
            assert held.offset_gap_seconds() > 0
            await held.tasks[0].apply([(0, 0, TICK)], now=1.0)
            assert held.offset_gap_seconds() <= 0
            progress = held.sources[news].progress
            assert not progress.take(fetched_from=2, offset=2, now=0.0)
            assert held.offset_gap_seconds() > 0
            assert progress.take(fetched_from=0, offset=0, now=0.0)
            assert held.offset_gap_seconds() <= 0

    asyncio.run(run())


def test_a_worker_may_be_patient_beyond_the_brokers_limit_for_transactions(broker: LocalKafka, prefix: str):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=1)

    async def run() -> None:
        async with assignment(broker, prefix, broker_timeout_seconds=3600.0) as held:
            await held.assigned({TopicPartition(names.classified, 0)})
            await held.tasks[0].ready.wait()

    asyncio.run(run())


def test_invisible_records_are_passed_over(broker: LocalKafka, prefix: str):
    """Control records and aborted ones have offsets: 0 and 3 are seen, 1 and 2 are not."""
    create_topics(broker.connection, names := TopicNames(prefix), partitions=1)

    async def run() -> None:
        async with assignment(broker, prefix) as held:
            await held.assigned({TopicPartition(names.classified, 0)})
            task = held.tasks[0]
            await task.apply([(0, 0, TICK), (1, 3, TICK)], now=1.0)
            assert (task.position, held.applied()) == (4, {TopicPartition(names.classified, 0): 4})
            assert not (await task.apply([(0, 2, TICK), (2, 3, TICK), (5, 5, TICK)], now=1.0)).records
            assert task.position == 4, "applied before, or fetched out of order"

    asyncio.run(run())


def test_a_source_given_up_is_answered_by_its_next_task_alone(broker: LocalKafka, prefix: str):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=2)
    news = TopicPartition(names.news, 0)

    async def run() -> None:
        async with assignment(broker, prefix) as held:
            await held.assigned({news})
            given_up = held.sources[news]
            assert given_up.progress.take(0, 0, now=1.0)
            await held.assigned({news})
            assert not await given_up.commit(SendBatch(1, 1.0, [classified(1.0)]))
            task = held.sources[news]
            assert task.progress.take(0, 0, now=1.0)
            assert await task.commit(SendBatch(1, 1.0, [classified(1.0)]))
            assert held.positions() == {news: 1}

    asyncio.run(run())
    results = [each for each in records(broker.bootstrap, names.classified) if each.key != TICK_KEY]
    assert len(results) == 1


def test_a_partition_that_stays_assigned_keeps_its_state(broker: LocalKafka, prefix: str):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=2)
    one, other = (TopicPartition(names.classified, number) for number in (0, 1))

    async def run() -> None:
        async with assignment(broker, prefix) as held:
            await held.assigned({one, other})
            kept, lost = held.tasks[0], held.tasks[1]
            await asyncio.gather(kept.ready.wait(), lost.ready.wait())
            await kept.apply([(0, 0, TICK)], now=1.0)
            await held.revoked({one, other})
            assert held.tasks == {} and held.positions() == {}
            assert not (await kept.apply([(1, 1, TICK)], now=1.0)).records, "nothing is applied meanwhile"
            await held.assigned({one})
            assert held.tasks == {0: kept} and held.recovering == 0, "its state was not read again"
            assert (await kept.apply([(1, 1, TICK)], now=1.0)).records
            assert not (await lost.apply([(0, 0, TICK)], now=1.0)).records
            await held.assigned({one, other})
            assert held.tasks[0] is kept and held.tasks[1] is not lost

    asyncio.run(run())


def test_a_partition_that_was_elsewhere_meanwhile_is_not_written(broker: LocalKafka, prefix: str):
    """A rebalance that this worker slept through: another one took the partition, and gave it up again."""
    create_topics(broker.connection, names := TopicNames(prefix), partitions=1)
    classified = TopicPartition(names.classified, 0)

    async def run() -> None:
        async with assignment(broker, prefix) as held, assignment(broker, prefix) as elsewhere:
            await held.assigned({classified})
            await held.tasks[0].ready.wait()
            await held.revoked({classified})
            await elsewhere.assigned({classified})
            await elsewhere.tasks[0].ready.wait()
            await held.assigned({classified})
            with pytest.raises(StreamError, match="another worker took over"):
                await held.tasks[0].apply([(0, 0, TICK)], now=1.0)

    asyncio.run(run())


def test_nothing_is_committed_to_a_state_topic_that_was_recreated(broker: LocalKafka, prefix: str):
    """Its few records would be taken for the whole state; an empty one is counted anew from `classified`."""
    create_topics(broker.connection, names := TopicNames(prefix), partitions=1)

    async def run() -> None:
        async with assignment(broker, prefix) as held:
            await held.assigned({TopicPartition(names.classified, 0)})
            task = held.tasks[0]
            for offset in range(3):
                await task.apply([(offset, offset, TICK)], now=1.0)
            await asyncio.to_thread(recreate_state, broker, names)
            with pytest.raises(
                StreamError, match=r"state partition 0 goes on at 0, but ended at .* recreated\?"
            ):
                await task.apply([(3, 3, TICK)], now=1.0)

    asyncio.run(run())
    assert not list(records(broker.bootstrap, names.state))


def recreate_state(broker: LocalKafka, names: TopicNames) -> None:
    with admin_client(broker.connection) as admin:
        admin.delete_topics([names.state])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while names.state not in create_topics(broker.connection, names, partitions=1).created:
        assert time.monotonic() < deadline  # Kafka deletes a topic some time after it has said so
        time.sleep(0.1)


def test_a_partition_added_to_classified_is_refused(broker: LocalKafka, prefix: str):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=2)

    async def run() -> None:
        async with assignment(broker, prefix) as held:
            with pytest.raises(AssertionError, match="the worker would end") as ended:
                await held.assigned({TopicPartition(names.classified, 2)})
            assert "has 3 partitions now" in str(ended.value.__cause__)
            assert "keys would be split" in str(ended.value.__cause__)

    asyncio.run(run())
