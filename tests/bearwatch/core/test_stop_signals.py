"""Ctrl-C, SIGTERM and SIGHUP stop alike; the second one does not interrupt what the first one began."""

import signal
import subprocess
import sys

import pytest
from waiting import PATIENCE_SECONDS

ONCE = """
import signal, time
from bearwatch.core.stop_signals import interrupt_on_stop_signal
try:
    with interrupt_on_stop_signal():
        print("ready", flush=True)
        time.sleep(100)
except KeyboardInterrupt:
    print("stopping", flush=True)
    input()
    print("stopped", flush=True)
"""


def started(code: str, ignored: tuple[signal.Signals, ...] = ()) -> "subprocess.Popen[str]":
    def ignore() -> None:
        for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)

    process = subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        preexec_fn=ignore,
    )
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    return process


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_second_signal_does_not_interrupt_the_stop(number: signal.Signals) -> None:
    with started(ONCE) as process:
        process.send_signal(number)
        assert process.stdout is not None and process.stdout.readline() == "stopping\n"
        for again in (number, signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            process.send_signal(again)
        output, _ = process.communicate("go on\n", timeout=PATIENCE_SECONDS)
    assert (process.returncode, output) == (0, "stopped\n")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_first_signal_does_not_interrupt_a_stop_for_another_reason(number: signal.Signals) -> None:
    """`up` that ended with an error, or at its time, left its worker and Kafka to their end without it."""
    code = ONCE.replace("time.sleep(100)", "raise KeyboardInterrupt")
    with started(code) as process:
        assert process.stdout is not None and process.stdout.readline() == "stopping\n"
        process.send_signal(number)
        output, _ = process.communicate("go on\n", timeout=PATIENCE_SECONDS)
    assert (process.returncode, output) == (0, "stopped\n")


def test_a_hangup_is_ignored_where_it_was_ignored_before() -> None:
    """`nohup bearwatch up &`"""
    with started(ONCE, ignored=(signal.SIGHUP,)) as process:
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGTERM)
        assert process.stdout is not None and process.stdout.readline() == "stopping\n"
        process.communicate("go on\n", timeout=PATIENCE_SECONDS)
    assert process.returncode == 0
