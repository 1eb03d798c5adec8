"""Waiting for a condition, with a limit that a busy machine does not reach."""

import time
from collections.abc import Callable

PATIENCE_SECONDS = 180.0  # for what takes a second or a few on a quiet machine


def wait_until(what: str, condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
    """Ask for the condition ten times a second; raises AssertionError, which says `what`, after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.1)
