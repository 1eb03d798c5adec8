"""Shutdown of a worker process within a time limit, requested or because it cannot continue; heartbeat and watchdog.

State is safe at any moment (`stream.aggregate`), so ending at once is always right. Watchdog and time limits run
on threads of their own: an event loop that hangs can do neither.
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

LOG_SECONDS = 1.0  # for the log, which may be a pipe that nobody reads
HEARTBEAT_SECONDS = 1.0
log = logging.getLogger("bearwatch.worker")


@dataclass
class Shutdown:
    """How the worker process comes to its end: it was asked to, or it cannot continue."""

    requested: asyncio.Event = field(default_factory=asyncio.Event)

    def fail(self, error: BaseException | str) -> NoReturn:
        """End the process now: its partitions go to others, who continue at the last commit."""
        after(LOG_SECONDS, os._exit, 1)
        with contextlib.suppress(Exception):
            log.critical("the worker cannot continue and exits: %s", reason(error))
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


async def heartbeat(health: Health) -> None:
    """Note once a second that the event loop runs."""
    while True:
        health.heartbeat = time.monotonic()
        await asyncio.sleep(HEARTBEAT_SECONDS)


def start_watchdog(health: Health, settings: WorkerSettings, shutdown: Shutdown) -> None:
    """End the process, from a thread, when its health is beyond the limits."""

    def watch() -> None:
        while (trouble := health.failed_liveness(time.monotonic(), settings)) is None:
            time.sleep(HEARTBEAT_SECONDS)
        shutdown.fail(trouble)

    threading.Thread(target=watch, name="watchdog", daemon=True).start()
