"""The trial itself: start, wait for the surge, kill a worker, restart Kafka, look, stop."""

import json
import os
import signal
import sys
import time
import urllib.request
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

from tools.compose_trial.checks import counted_wrongly, notification_name, notified_wrongly
from tools.compose_trial.commands import TrialError
from tools.compose_trial.project import MISSING
from tools.compose_trial.stack import Stack, wait_until

WORKERS = 2
PROMETHEUS = "http://127.0.0.1:9090"
ENDED_BY_SIGNAL = {"kafka": 143}  # as a Java process does
PHASE_SECONDS = 300.0  # that no phase takes, also on a busy machine
QUIET_SECONDS = 30.0  # a notification that should not be must have had time to come


class Log:
    """Lines with the seconds since the start."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock, self._start = clock, clock()

    def __call__(self, text: str) -> None:
        sys.stdout.write(f"{self._clock() - self._start:6.1f} s  {text}\n")
        sys.stdout.flush()


def trial(stack: Stack, log: Log) -> None:
    """Raises TrialError at the first thing that does not hold."""
    scale = ("--scale", f"worker={WORKERS}", "--scale", f"{MISSING}=0")
    stack.compose("up", "--detach", "--no-build", "--pull", "never", *scale, seconds=PHASE_SECONDS)
    wait_until(stack.not_ready, PHASE_SECONDS)
    log(f"all of {len(stack.containers())} containers work")
    wait_until(lambda: "" if stack.notifications() else "no notification has come", PHASE_SECONDS)
    told = stack.notifications()[0]
    log(f"notified: {told['annotations']['summary']}: {told['annotations']['description']}")

    _kill_a_worker(stack)
    wait_until(lambda: _not_recovered(stack), PHASE_SECONDS)
    log("a worker was killed; it has been started again and all containers work")
    sent, since = stack.read_topics()["sent"], time.time()
    stack.compose("restart", "kafka", seconds=PHASE_SECONDS)
    wait_until(lambda: _not_recovered(stack), PHASE_SECONDS)
    log("Kafka was restarted; all containers work")

    read: dict[str, Any] = {}

    def wrong() -> str:
        read.update(stack.read_topics())
        return counted_wrongly(read, sent, since) or notified_wrongly(read["alerts"], stack.notifications())

    wait_until(wrong, PHASE_SECONDS)
    time.sleep(QUIET_SECONDS)
    wait_until(wrong, PHASE_SECONDS)
    log(
        f"{read['sent']} documents sent ({sent} before Kafka's restart), all classified; "
        f"the counts of {read['rates']} windows are those of the documents"
    )
    names = [f"{notification_name(each['labels'])} {each['status']}" for each in stack.notifications()]
    log(f"notifications, as they should be: {', '.join(names)}")
    _end(stack, log)


def _kill_a_worker(stack: Stack) -> None:
    """As the kernel would: `docker kill` would be taken for a wish that it stays down."""
    os.kill(stack.of("worker")[0].pid, signal.SIGKILL)
    wait_until(
        lambda: "" if stack.of("worker")[0].restarts else "the engine starts no worker again", PHASE_SECONDS
    )


def _not_recovered(stack: Stack) -> str:
    """What is missing until everything works and Prometheus reaches every worker."""
    if missing := stack.not_ready():
        return missing
    reached = _query('count(up{job="bearwatch"} == 1)')
    return "" if reached == WORKERS else f"Prometheus reaches {reached:.0f} of {WORKERS} workers"


def _query(expression: str) -> float:
    address = f"{PROMETHEUS}/api/v1/query?query={quote(expression)}"
    try:
        with urllib.request.urlopen(address, timeout=10) as answer:  # noqa: S310 - a constant
            result = json.load(answer)["data"]["result"]
    except OSError as error:
        raise TrialError(f"Prometheus does not answer: {error}") from None
    return float(result[0]["value"][1]) if result else 0.0


def _end(stack: Stack, log: Log) -> None:
    stack.compose("stop", seconds=PHASE_SECONDS)
    for each in stack.containers():
        if each.out_of_memory:
            raise TrialError(f"{each.name} ran out of memory")
        if each.exit_code != ENDED_BY_SIGNAL.get(each.service, 0):
            raise TrialError(f"{each.name} ended with exit code {each.exit_code}")
    log("every container ended cleanly")
