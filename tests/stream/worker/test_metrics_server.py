"""The worker's server while scrapes take long: health answers, and those who wait share a scrape."""

import asyncio
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from prometheus_client import CollectorRegistry, Metric
from prometheus_client.registry import Collector
from raw_http import get, served
from waiting import PATIENCE_SECONDS, wait_until

from stream.kafka.connection import KafkaConnection
from stream.settings import WorkerSettings
from stream.worker.health import Health
from stream.worker.metrics_server import Scrapes, metrics_application


class SlowCollector(Collector):
    """Takes until it is let go."""

    def __init__(self) -> None:
        self.asked, self.go = threading.Event(), threading.Event()

    def describe(self) -> list[Metric]:
        return []

    def collect(self) -> Iterator[Metric]:
        self.asked.set()
        assert self.go.wait(PATIENCE_SECONDS)
        return iter(())


def test_health_answers_during_a_scrape():
    registry, slow = CollectorRegistry(), SlowCollector()
    registry.register(slow)
    app = metrics_application(Health(assigned=True), registry, WorkerSettings(KafkaConnection("kafka:9092")))
    with served(app) as address, ThreadPoolExecutor(1) as pool:
        scrape = pool.submit(get, address, "/metrics")
        wait_until("a scrape has begun", slow.asked.is_set)
        try:
            assert b'"state"' in get(address, "/healthz").body
            assert not scrape.done()
        finally:
            slow.go.set()
        assert scrape.result(PATIENCE_SECONDS).status == 200


def test_who_waits_for_the_same_gets_the_scrape_that_begins_next():
    begun, go, made = threading.Event(), threading.Event(), []

    def scrape() -> bytes:
        made.append(len(made))
        begun.set()
        assert go.wait(PATIENCE_SECONDS)
        return b"%d" % made[-1]

    async def ask() -> tuple[bytes, list[bytes]]:
        scrapes = Scrapes()
        first = asyncio.create_task(scrapes.get(("text",), scrape))
        await asyncio.to_thread(begun.wait, PATIENCE_SECONDS)
        others = [asyncio.create_task(scrapes.get(("text",), scrape)) for _ in range(50)]
        await asyncio.sleep(0)
        others[0].cancel()  # a client that goes away ends no scrape of others
        go.set()
        answers = await asyncio.gather(*others, return_exceptions=True)
        return await first, [each for each in answers if isinstance(each, bytes)]

    assert asyncio.run(ask()) == (b"0", [b"1"] * 49)
