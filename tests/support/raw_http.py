"""Sends bytes to an HTTP server that runs in a thread of the test, and reads what comes back."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from aiohttp import web

from bearwatch.core.http_server import serve_in_thread

PATIENCE_SECONDS = 60.0
Address = tuple[str, int]


class Answer(NamedTuple):
    status: int
    headers: dict[str, str]  # names in lower case
    body: bytes


@contextmanager
def served(app: web.Application) -> Iterator[Address]:
    """The address of an application that is served on a free port."""
    address, close = serve_in_thread(app, "127.0.0.1", 0)
    try:
        yield address
    finally:
        close()


def connect(address: Address) -> socket.socket:
    return socket.create_connection(address, timeout=PATIENCE_SECONDS)


def read_answer(connection: socket.socket) -> Answer:
    """The first answer; the server must close the connection behind it."""
    found = b""
    while part := connection.recv(65536):
        found += part
    head, _, body = found.partition(b"\r\n\r\n")
    status, *headers = head.decode("latin-1").split("\r\n")
    pairs = (line.partition(": ") for line in headers)
    return Answer(int(status.split()[1]), {name.lower(): value for name, _, value in pairs}, body)


def exchange(address: Address, request: bytes) -> Answer:
    with connect(address) as connection:
        connection.sendall(request)
        return read_answer(connection)


def get(address: Address, path: str, *headers: str, method: str = "GET") -> Answer:
    """One request; `headers` are lines such as `Accept: text/plain`; path and headers are sent as Latin-1."""
    lines = [f"{method} {path} HTTP/1.1", "Host: test", *headers, "", ""]
    return exchange(address, "\r\n".join(lines).encode("latin-1"))
