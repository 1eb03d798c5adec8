"""Standard input, output and error of a command, whatever the process was started with.

A descriptor that is closed would be given to the next file or socket that is opened, and what is meant for the
terminal would be written there. So each is opened at the start, in a way that its use still fails.
"""

import io
import os
import sys
from contextlib import suppress

from bearwatch.core.printable import printable

LONGEST_LINE = 1000  # of an error; what a user typed may be as long as the system allows


def open_closed() -> None:
    """Open what is closed: input and output so that using them fails, standard error so that it is discarded.

    Characters that an output cannot hold, such as those of a file name that is not UTF-8, are escaped.
    """
    for descriptor, mode in ((0, os.O_WRONLY), (1, os.O_RDONLY), (2, os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, mode)  # the system gives the lowest number that is free: this one
    if sys.stdin is None:
        sys.stdin = open(0, closefd=False)  # noqa: SIM115
    if sys.stdout is None:
        sys.stdout = open(1, "w", closefd=False)  # noqa: SIM115
    if sys.stderr is None:
        sys.stderr = open(2, "w", closefd=False)  # noqa: SIM115
    for output in (sys.stdout, sys.stderr):
        if isinstance(output, io.TextIOWrapper):
            output.reconfigure(errors="backslashreplace")


def discard_output() -> None:
    """Send the rest of standard output nowhere; else Python reports, at its end, that it cannot write it."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.stdout.flush()


def write_error(message: str) -> None:
    """Write a message for the user to standard error, on lines without control characters, none of them very long."""
    with suppress(OSError):  # nobody reads it; the exit code says enough
        for line in message.split("\n"):
            sys.stderr.write(f"{shortened(printable(line))}\n")
        sys.stderr.flush()


def shortened(line: str) -> str:
    """The line, without its middle where it is longer than LONGEST_LINE characters."""
    if len(line) <= LONGEST_LINE:
        return line
    half = LONGEST_LINE // 2
    return f"{line[:half]} [...] {line[-half:]}"
