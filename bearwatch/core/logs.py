"""What a process logs: one line per record that a terminal can show, and no line hundreds of times a second."""

import logging
import time
from collections.abc import Callable
from types import TracebackType

from bearwatch.core.printable import printable, printable_lines

FORMAT = "%(asctime)s %(levelname)s %(name)s: %(message)s"
# These and the loggers below them. Kafka clients repeat themselves while their broker is away, servers while somebody
# attacks them, and aggregate while somebody fills `classified` with garbage.
LIMITED = ("aiokafka", "kafka", "asyncio", "bearwatch.aggregate", "bearwatch.http", "bearwatch.webhook")
REPEAT_SECONDS = 10.0


def prepare(handler: logging.Handler) -> logging.Handler:
    """Set format and limit of a handler; returns the handler."""
    handler.setFormatter(PrintableFormatter(FORMAT))
    handler.addFilter(RepetitionLimit())
    return handler


class PrintableFormatter(logging.Formatter):
    """A record in one line, and below it the lines of its traceback; whatever came from outside is made printable."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - its name in the library
        return printable(super().formatMessage(record))

    def formatException(  # noqa: N802
        self,
        ei: tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None],
    ) -> str:
        return printable_lines(super().formatException(ei))


class RepetitionLimit(logging.Filter):
    """Passes a warning or error of a LIMITED logger once in `seconds`; the next one says how many were left out.

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
        if record.levelno < logging.WARNING or not any(
            record.name == each or record.name.startswith(f"{each}.") for each in LIMITED
        ):
            return True
        same, now = (record.name, str(record.msg)), self._clock()
        if same in self._passed and now - self._passed[same] < self._seconds:
            self._left_out[same] = self._left_out.get(same, 0) + 1
            return False
        self._passed[same] = now
        if left_out := self._left_out.pop(same, 0):
            record.msg = f"{record.msg} (left out before: {left_out})"
        return True
