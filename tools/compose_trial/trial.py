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
    wait_until(lambda: "" if _surges(stack) else "no notification of a surge has come", PHASE_SECONDS)
    text = _surges(stack)[0]["annotations"]
    for link in ("evidence_url", "runbook_url"):  # the dashboard's leads to Grafana
        _open(text[link])
    log(f"notified, with links that open: {text['summary']}: {text['description']}")

    _kill_the_worker_with_the_alert(stack)
    wait_until(lambda: _not_recovered(stack), PHASE_SECONDS)
    log("the worker with the alert was killed; it has been started again and all containers work")
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


def _surges(stack: Stack) -> list[dict[str, Any]]:
    return [each for each in stack.notifications() if each["labels"]["alertname"] == "Surge"]


def _kill_the_worker_with_the_alert(stack: Stack) -> None:
    """As the kernel would: `docker kill` would be taken for a wish that it stays down."""
    holders = {
        series["instance"].split(":")[0] for series, value in _query("bearwatch_alert_active") if value
    }
    workers = [each for each in stack.of("worker") if each.address in holders]
    if not workers:
        raise TrialError("no worker has the alert that was notified")
    os.kill(workers[0].pid, signal.SIGKILL)
    name = workers[0].name

    def not_started_again() -> str:
        same = [each for each in stack.of("worker") if each.name == name]
        return "" if same and same[0].restarts else f"{name} is not started again"

    wait_until(not_started_again, PHASE_SECONDS)


def _not_recovered(stack: Stack) -> str:
    """What is missing until everything works and Prometheus reaches every worker."""
    if missing := stack.not_ready():
        return missing
    reached = sum(value for _, value in _query('up{job="bearwatch"}'))
    return "" if reached == WORKERS else f"Prometheus reaches {reached:.0f} of {WORKERS} workers"


def _query(expression: str) -> list[tuple[dict[str, str], float]]:
    """Labels and value of each series, as Prometheus has them now."""
    result = json.loads(_open(f"{PROMETHEUS}/api/v1/query?query={quote(expression)}"))["data"]["result"]
    return [(each["metric"], float(each["value"][1])) for each in result]


def _open(address: str) -> bytes:
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - of the compose file's services
            content: bytes = answer.read()
    except (OSError, ValueError) as error:
        raise TrialError(f"{address} does not open: {error}") from None
    return content


def _end(stack: Stack, log: Log) -> None:
    stack.compose("stop", seconds=PHASE_SECONDS)
    for each in stack.containers():
        if each.out_of_memory:
            raise TrialError(f"{each.name} ran out of memory")
        if each.exit_code != ENDED_BY_SIGNAL.get(each.service, 0):
            raise TrialError(f"{each.name} ended with exit code {each.exit_code}")
    log("every container ended cleanly")
