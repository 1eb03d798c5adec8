"""What a worker logs while its broker is away, or while somebody attacks it."""

import logging

import pytest

from bearwatch.core.logs import RepetitionLimit


class Messages(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.texts.append(record.getMessage())


@pytest.fixture
def now() -> list[float]:
    return [100.0]


@pytest.fixture
def handler(now: list[float]) -> Messages:
    handler = Messages()
    handler.addFilter(RepetitionLimit(10, lambda: now[0]))
    return handler


def log(handler: Messages, name: str, level: int, text: str, *values: object) -> None:
    handler.handle(logging.LogRecord(name, level, __file__, 1, text, values, None))


def test_a_client_repeats_itself_once_in_ten_seconds(handler: Messages, now: list[float]) -> None:
    for moment in (100.0, 100.1, 109.9, 110.0, 119.9, 120.0):
        now[0] = moment
        log(handler, "aiokafka", logging.ERROR, "cannot connect at %s", moment)
    assert handler.texts == [
        "cannot connect at 100.0",
        "cannot connect at 110.0 (left out before: 2)",
        "cannot connect at 120.0 (left out before: 1)",
    ]


@pytest.mark.parametrize(
    "name", ["bearwatch.aggregate", "bearwatch.http", "bearwatch.webhook", "asyncio", "kafka.x"]
)
def test_a_flood_from_outside_is_one_line(handler: Messages, now: list[float], name: str) -> None:
    for number in range(10_000):
        log(handler, name, logging.ERROR, "passed over: offset %d", number)
    now[0] += 11
    log(handler, name, logging.ERROR, "passed over: offset %d", 10_000)
    assert handler.texts == [
        "passed over: offset 0",
        "passed over: offset 10000 (left out before: 9999)",
    ]


def test_what_differs_passes_and_so_does_everything_else(handler: Messages) -> None:
    for _ in range(2):
        log(handler, "aiokafka", logging.ERROR, "one text")
        log(handler, "aiokafka", logging.ERROR, "another text")
        log(handler, "aiokafka.consumer", logging.WARNING, "one text")
        log(handler, "aiokafka", logging.INFO, "information")
        log(handler, "bearwatch.worker", logging.ERROR, "ours")
    assert handler.texts == [
        *("one text", "another text", "one text", "information", "ours"),
        *("information", "ours"),
    ]
