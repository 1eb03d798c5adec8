"""A limit on what Kafka clients log while their broker is away: they repeat themselves hundreds of times a second."""

import logging
import time
from collections.abc import Callable

CLIENTS = ("aiokafka", "kafka")  # and the loggers below these
REPEAT_SECONDS = 10.0


class RepetitionLimit(logging.Filter):
    """Passes a client's warning or error once in `seconds`; the next one says how many were left out.

    Two records are the same when they have the same logger and the same text before values are filled in. All other
    records pass.
    """

    def __init__(self, seconds: float = REPEAT_SECONDS, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__()
        self._seconds = seconds
        self._clock = clock
        self._passed: dict[tuple[str, str], float] = {}
        self._left_out: dict[tuple[str, str], int] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or record.name.split(".")[0] not in CLIENTS:
            return True
        same, now = (record.name, str(record.msg)), self._clock()
        if same in self._passed and now - self._passed[same] < self._seconds:
            self._left_out[same] = self._left_out.get(same, 0) + 1
            return False
        self._passed[same] = now
        if left_out := self._left_out.pop(same, 0):
            record.msg = f"{record.msg} (left out before: {left_out})"
        return True


def limit_repetitions() -> None:
    """Set the limit on everything that the process logs."""
    for handler in logging.getLogger().handlers:
        handler.addFilter(RepetitionLimit())
