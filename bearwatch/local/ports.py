"""Ports on this machine's loopback address: is one free, which one is, does a Kafka answer there."""

import socket
import struct
from contextlib import suppress

HOST = "127.0.0.1"


def answers(port: int) -> bool:
    """Whether a broker serves requests there: it opens the port before it does. Asks for its API versions."""
    request = struct.pack(
        ">ihhih", 10, 18, 0, 1, -1
    )  # length, ApiVersions, version 0, correlation id, no client id
    with suppress(OSError), socket.create_connection((HOST, port), timeout=1) as connection:
        connection.sendall(request)
        return len(connection.recv(4)) == 4
    return False


def is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(
            socket.SOL_SOCKET, socket.SO_REUSEADDR, 1
        )  # a port in TIME_WAIT is free, as for Kafka
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
    return True


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])
