"""Documents are evaluated in time whatever times a few records carry: a worker's parts, second by second, no Kafka."""

from collections.abc import Callable

import pytest
from aiokafka import TopicPartition
from messages import classified

from alerting.detection.policy import load_policy
from stream.aggregate.aggregator import Aggregator
from stream.classify.progress import SourceProgress, reached, source_name, tick
from stream.worker.source_clocks import SourceClocks, Standing

POLICY = load_policy()
START = 1_800_000_000.0
SECONDS = 480
FORGED_FROM = 120
# A pane, the out-of-orderness and the delay of the clock, and a second each of waiting for a tick and of its making.
DELAY_SECONDS = 15 + 5 + 5 + 2
PARTITIONS = [TopicPartition("news", number) for number in range(8)]
QUIET = PARTITIONS[-1]  # has no honest documents after FORGED_FROM

# What comes in a second: timestamps; None is unfit.
Forged = Callable[[TopicPartition, int], list[float | None]]


def delays(forged: Forged) -> list[float]:
    """From the sending of each honest document to its first evaluation, in seconds."""
    aggregator = Aggregator(POLICY, "model", [source_name(each) for each in PARTITIONS])
    progress = {each: SourceProgress(0, 0, 0.0) for each in PARTITIONS}
    clocks, sent, found = SourceClocks(POLICY.time.idle_after_seconds), dict[str, float](), list[float]()
    for second in range(SECONDS):
        now = START + second
        for partition, source in progress.items():
            honest = partition != QUIET or second < FORGED_FROM
            stamps = [
                *([now - 0.5] if honest else []),
                *(forged(partition, second) if second >= FORGED_FROM else []),
            ]
            times = [stamp for stamp in stamps if stamp is not None]
            for number, stamp in enumerate(times):
                message = classified(stamp, offset=source.offset + number, partition=partition.partition)
                aggregator.apply(message, now)
                if honest and number == 0:
                    sent[message.id] = now
            offset = source.position = source.offset + len(stamps)
            if stamps:
                latest = max((reached(time, now) for time in times), default=None)
                source.advance(offset, latest, now)
                aggregator.apply(tick(partition, offset, source.event_time), now)
        standings = {
            each: Standing(
                source.offset,
                source.offset,
                source.idle(now, POLICY.time.idle_after_seconds),
                source.event_time,
            )
            for each, source in progress.items()
        }
        for partition, clock in clocks.carry_on(standings, now).items():
            source = progress[partition]
            aggregator.apply(tick(partition, source.offset, source.event_time, clock), now)
        found += [
            now - sent[message.id] for message in aggregator.take_changes().evaluated if message.id in sent
        ]
    assert len(found) > len(sent) - 8 * DELAY_SECONDS
    return found


def stamped_ahead(partition: TopicPartition, second: int) -> list[float | None]:
    """One record in each partition, as far ahead as is accepted."""
    return [START + second + POLICY.time.max_future_seconds] if second == FORGED_FROM else []


def always_ahead(partition: TopicPartition, second: int) -> list[float | None]:
    return [START + second + POLICY.time.max_future_seconds] if partition == QUIET or second % 60 == 0 else []


def stamped_zero(partition: TopicPartition, second: int) -> list[float | None]:
    """A record in each second where nothing else comes."""
    return [0.0] if partition == QUIET else []


def the_same_time(partition: TopicPartition, second: int) -> list[float | None]:
    return [START + FORGED_FROM - 0.5] if partition == QUIET else []


def creeping(partition: TopicPartition, second: int) -> list[float | None]:
    return [START + FORGED_FROM + second / 1000] if partition == QUIET else []


def unfit(partition: TopicPartition, second: int) -> list[float | None]:
    return [None] if partition == QUIET else []


@pytest.mark.parametrize(
    "forged", [lambda *_: [], stamped_ahead, always_ahead, stamped_zero, the_same_time, creeping, unfit]
)
def test_forged_times_delay_no_evaluation(forged: Forged) -> None:
    assert max(delays(forged)) <= DELAY_SECONDS
