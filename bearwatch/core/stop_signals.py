"""The signals that ask a command to stop: Ctrl-C, SIGTERM, and SIGHUP, which comes when its terminal is closed."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

INTERRUPTED = 130  # exit code


def stop_signals() -> list[signal.Signals]:
    """The signals to take; not SIGHUP where it is ignored, as `nohup` asks for."""
    hangup = [] if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN else [signal.SIGHUP]
    return [signal.SIGINT, signal.SIGTERM, *hangup]


def on_stop_signal(call: Callable[[], object]) -> None:
    """Call this, in the main thread, for each signal that asks to stop."""
    for number in stop_signals():
        signal.signal(number, lambda *_: call())


@contextmanager
def interrupt_on_stop_signal() -> Iterator[None]:
    """Raise KeyboardInterrupt inside for the first signal that asks to stop; no signal interrupts what then stops."""

    def interrupt() -> None:
        on_stop_signal(lambda: None)
        raise KeyboardInterrupt

    on_stop_signal(interrupt)
    try:
        yield
    finally:
        on_stop_signal(lambda: None)


@contextmanager
def exit_on_interrupt() -> Iterator[None]:
    """End the process at once for Ctrl-C, which in the middle of an import would show a traceback or another error."""
    former = signal.getsignal(signal.SIGINT)
    if former != signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda *_: os._exit(INTERRUPTED))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, former)
