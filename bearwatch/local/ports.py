"""Ports on this machine's loopback address: is one free, which one is, does a Kafka answer there."""

import random
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import suppress

HOST = "127.0.0.1"
POLL_SECONDS = 0.1
FIRST_PORT, LAST_PORT = 20_000, 32_767  # connections begin at 32768 on Linux, at 49152 elsewhere


def answers(port: int) -> bool:
    """Whether a broker serves requests there: it opens the port before it does. Asks for its API versions."""
    # Length, ApiVersions, version 0, correlation id, no client id.
    request = struct.pack(">ihhih", 10, 18, 0, 1, -1)
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1) as connection:
        connection.sendall(request)
        return len(connection.recv(4)) == 4
    return False


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        # A port in TIME_WAIT is free, as for Kafka.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def becomes_free(port: int, seconds: float) -> bool:
    """Whether a port is free now or within so many seconds: what a killed `up` started ends a little later."""
    deadline = time.monotonic() + seconds
    while not is_free(port):
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


def free_port() -> int:
    """A port that is free and stays so: the system gives none of this range to programs that ask for any port.

    No port is given twice by one process.
    """
    return next(port for port in _candidates if is_free(port))


def _shuffled() -> Iterator[int]:
    while True:  # in an order of its own for each process
        yield from random.sample(range(FIRST_PORT, LAST_PORT + 1), LAST_PORT + 1 - FIRST_PORT)


_candidates = _shuffled()
