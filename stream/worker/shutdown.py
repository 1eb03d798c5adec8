"""How a worker process ends: asked to, or because it cannot go on, and in either case in time.

State is safe at any moment (`stream.aggregate`), so ending at once is always right. What watches and what ends the
process runs on threads of its own: an event loop that hangs can do neither.
"""

import asyncio
import contextlib
import logging
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import NoReturn

from stream.settings import WorkerSettings
from stream.worker.health import Health

LAST_WORDS_SECONDS = 1.0  # for the log, which may be a pipe that nobody reads
BEAT_SECONDS = 1.0
log = logging.getLogger("bearwatch.worker")


@dataclass
class End:
    """Why the worker ends."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)

    def fail(self, error: BaseException | str) -> NoReturn:
        """End the process now: its partitions go to others, who go on at the last commit."""
        after(LAST_WORDS_SECONDS, os._exit, 1)
        with contextlib.suppress(Exception):
            log.critical("the worker cannot go on and exits: %s", reason(error))
        end_process(1)

    def failed(self, task: asyncio.Task[None]) -> None:
        """The done-callback of a task that must not end."""
        if not task.cancelled():
            error = task.exception()
            self.fail(f"{task.get_name()} ended" if error is None else error)


def reason(error: BaseException | str) -> str:
    """An error in one line."""
    return error if isinstance(error, str) else f"{type(error).__name__}: {error}"


def after(seconds: float, do: Callable[..., object], *arguments: object) -> None:
    """Do it later, on a thread."""
    timer = threading.Timer(seconds, do, arguments)
    timer.daemon = True
    timer.start()


def end_process(code: int) -> NoReturn:
    """At once: threads of Faust and of the model may be left."""
    logging.shutdown()
    os._exit(code)


async def beat(health: Health) -> None:
    """Show that the event loop turns."""
    while True:
        health.beat = time.monotonic()
        await asyncio.sleep(BEAT_SECONDS)


def watch(health: Health, settings: WorkerSettings, end: End) -> None:
    """End the process, from a thread, when its health is beyond the limits."""

    def look() -> None:
        while (trouble := health.fatal(time.monotonic(), settings)) is None:
            time.sleep(BEAT_SECONDS)
        end.fail(trouble)

    threading.Thread(target=look, name="watchdog", daemon=True).start()
