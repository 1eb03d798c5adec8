"""What a worker says of itself, and when it must end."""

import pytest
from aiokafka import TopicPartition

from stream.kafka.connection import KafkaConnection
from stream.settings import WorkerSettings
from stream.worker.health import STALE_HEARTBEAT_SECONDS, Health

SETTINGS = WorkerSettings(KafkaConnection("kafka:9092"), broker_timeout_seconds=60, stuck_after_seconds=120)
NEWS, MORE_NEWS = TopicPartition("news", 0), TopicPartition("news", 1)
CLASSIFIED = TopicPartition("classified", 0)
NOW = 1000.0


@pytest.fixture
def health() -> Health:
    """Everything is well."""
    return Health(heartbeat=NOW, broker_seen=NOW, assigned=True)


def measure(health: Health, times: int, **offsets: int) -> None:
    """The same positions, measured again and again; each partition ends at 10."""
    places = {"news": NEWS, "more_news": MORE_NEWS, "classified": CLASSIFIED}
    positions = {places[name]: offset for name, offset in offsets.items()}
    for _ in range(times):
        health.measured(positions, {each: 10 - offset for each, offset in positions.items()})


def test_from_starting_to_serving(health: Health):
    health.assigned = False
    assert health.state(NOW, SETTINGS) == ("starting", "no partition has been assigned yet")
    health.assigned, health.recovering = True, 2
    assert health.state(NOW, SETTINGS) == ("recovering", "2 partitions read their state")
    health.recovering = 0
    assert health.state(NOW, SETTINGS) == ("serving", "lag 0 records")
    assert health.failed_liveness(NOW, SETTINGS) is None


def test_a_loop_that_does_not_run(health: Health):
    health.broker_seen = NOW + 1000
    assert health.state(NOW + STALE_HEARTBEAT_SECONDS, SETTINGS)[0] == "serving"
    state, reason = health.state(NOW + STALE_HEARTBEAT_SECONDS + 1, SETTINGS)
    assert (state, reason) == ("stuck", "the event loop has not run for 16 s")
    assert health.failed_liveness(NOW + 120, SETTINGS) is None
    assert health.failed_liveness(NOW + 121, SETTINGS) == "the event loop has not run for 121 s"


def test_a_broker_that_does_not_answer(health: Health):
    health.heartbeat = NOW + 1000
    assert health.state(NOW + 30, SETTINGS)[0] == "serving"
    assert health.state(NOW + 31, SETTINGS) == ("stuck", "the broker has not answered for 31 s")
    assert health.failed_liveness(NOW + 60, SETTINGS) is None
    assert health.failed_liveness(NOW + 61, SETTINGS) == "the broker has not answered for 61 s"


def test_commits_that_do_not_move(health: Health):
    measure(health, 61, news=7, classified=10)
    assert health.state(NOW, SETTINGS) == ("serving", "lag 3 records")
    measure(health, 1, news=7, classified=10)
    reason = "3 records wait in news and none was committed for 61 s"
    assert health.state(NOW, SETTINGS) == ("stuck", reason)
    measure(health, 59, news=7, classified=10)
    assert health.failed_liveness(NOW, SETTINGS) is None
    measure(health, 1, news=7, classified=10)
    assert health.failed_liveness(NOW, SETTINGS) == "3 records wait in news and none was committed for 121 s"


def test_one_topic_moves_and_another_does_not(health: Health):
    for offset in range(10):
        measure(health, 20, news=offset, classified=3)
    assert (
        health.failed_liveness(NOW, SETTINGS)
        == "7 records wait in classified and none was committed for 199 s"
    )


def test_any_partition_that_moves_is_progress_of_its_topic(health: Health):
    for offset in range(10):
        measure(health, 20, news=offset, more_news=0)
    assert health.failed_liveness(NOW, SETTINGS) is None


def test_without_lag_nothing_is_stalled(health: Health):
    measure(health, 1000, news=10)
    assert health.state(NOW, SETTINGS) == ("serving", "lag 0 records")


def test_a_topic_that_was_lost_is_not_stalled_and_is_measured_from_the_start_when_it_comes_back(
    health: Health,
):
    measure(health, 100, news=7)
    measure(health, 1)
    assert health.state(NOW, SETTINGS) == ("serving", "lag 0 records")
    measure(health, 2, news=7)
    assert health.topics["news"].stalled == 1


def test_an_outage_of_the_broker_is_not_counted_as_standstill(health: Health):
    """Nothing is measured meanwhile, so work may go on when the broker is back."""
    measure(health, 2, news=7)
    health.heartbeat = health.broker_seen = NOW + 100_000
    measure(health, 1, news=7)
    assert health.state(NOW + 100_000, SETTINGS)[0] == "serving"
