"""A request ends within its limits, whatever the other side does, and says in one line why there is no answer."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from alerting.errors import AlertingError
from alerting.notify.silences import Alertmanager
from bearwatch.core.http_client import NoAnswerError, fetch
from bearwatch.local.ports import free_port
from bearwatch.terminal.snapshot import Snapshot, read_snapshot

HEAD = b"HTTP/1.1 200 OK\r\n"


@contextmanager
def speaking(speak: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server that reads something and then does as it likes; gives its HOST:PORT."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            while not over.is_set():
                with suppress(OSError):
                    connection, _ = server.accept()
                    with connection, suppress(OSError):
                        connection.settimeout(10)
                        connection.recv(65536)
                        speak(connection)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        over.set()
        server.shutdown(socket.SHUT_RDWR)
    thread.join(30)


def endlessly(part: bytes, before: bytes = HEAD) -> Callable[[socket.socket], None]:
    def speak(connection: socket.socket) -> None:
        connection.sendall(before)
        while True:
            connection.sendall(part)

    return speak


def slowly(connection: socket.socket) -> None:
    connection.settimeout(0.05)
    connection.sendall(HEAD + b"A: ")
    while True:
        connection.sendall(b"b")
        with suppress(TimeoutError):
            if connection.recv(1) == b"":
                return


def once(answer: bytes) -> Callable[[socket.socket], None]:
    return lambda connection: connection.sendall(answer)


ODD = {
    "nothing": once(b""),
    "garbage": once(os.urandom(1000) + b"\r\n\r\n"),
    "no status": once(b"HTTP/1.1 abc\r\n\r\n"),
    "a status of 99999": once(b"HTTP/1.1 99999 X\r\n\r\n"),
    "half a body": once(HEAD + b"Content-Length: 1000\r\n\r\n[]"),
    "a negative length": once(HEAD + b"Content-Length: -5\r\n\r\n"),
    "an odd chunk": once(HEAD + b"Transfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "a body that says gzip": once(HEAD + b"Content-Encoding: gzip\r\nContent-Length: 2\r\n\r\n[]"),
    "endless headers": endlessly(b"A: " + b"b" * 1000 + b"\r\n"),
    "an endless line": endlessly(b"x" * 10_000, b""),
    "an endless body": endlessly(b"x" * 10_000, HEAD + b"\r\n"),
    "endless chunks": endlessly(b"2\r\n[]\r\n" * 1000, HEAD + b"Transfer-Encoding: chunked\r\n\r\n"),
    "a redirect to itself": once(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"),
    "a redirect to a file": once(b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\n\r\n"),
    "a redirect to nowhere": once(b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n"),
    "slow bytes": slowly,
}


@pytest.mark.parametrize("odd", ODD)
def test_there_is_no_whole_answer(odd: str):
    with speaking(ODD[odd]) as address, pytest.raises(NoAnswerError) as reason:
        fetch(f"http://{address}/", seconds=1.0, max_bytes=1_000_000)
    assert str(reason.value) and len(str(reason.value).splitlines()) == 1


def test_nobody_listens():
    with pytest.raises(NoAnswerError, match="Connection refused"):
        fetch(f"http://127.0.0.1:{free_port()}/", 5.0, 1000)
    with pytest.raises(NoAnswerError):
        fetch("http://[", 5.0, 1000)


LISTS = {
    "not JSON": b"<html>",
    "of another shape": b'{"status": "ok"}',
    "of other types": b'[{"id": 1, "status": "active", "comment": null}]',
    "nested": b"[" * 100_000,
    "not UTF-8": b'["\xff"]',
    "nothing": b"",
}


@pytest.mark.parametrize("wrong", LISTS)
def test_an_alertmanager_that_answers_something_else(wrong: str):
    answer = HEAD + b"Content-Length: %d\r\n\r\n" % len(LISTS[wrong]) + LISTS[wrong]
    with speaking(once(answer)) as address, pytest.raises(AlertingError, match="is not an Alertmanager"):
        Alertmanager(f"http://{address}").in_force()


def test_an_alertmanager_that_redirects_a_change_is_not_followed():
    moved = once(b"HTTP/1.1 307 Moved\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n")
    with speaking(moved) as address, pytest.raises(AlertingError, match=r"rejects the request \(307\)"):
        Alertmanager(f"http://{address}").expire("../../x?y")


METRICS = {
    "not metrics": b"<html>",
    "not UTF-8": b"\xff",
    "no stream": b'bearwatch_classified_total{topic="a"} 1\n',
    "another stream": b'bearwatch_baseline_ratio{stream="tv",topic="a"} 1\n',
    "not a number": b'bearwatch_lag_records{partition="0"} NaN\n',
    "infinite": b'bearwatch_documents_total{outcome="classified"} +Inf\n',
    "no time": b'bearwatch_watermark_timestamp_seconds{partition="0"} 1e300\n',
    "a list": b"[]",
    "odd states": b'{"state": 1, "reason": []}',
}


@pytest.mark.parametrize("wrong", METRICS)
def test_a_worker_that_answers_something_else_is_starting(wrong: str):
    bodies = [b'{"state": "serving", "reason": ""}', METRICS[wrong]]
    if wrong in ("a list", "odd states"):
        del bodies[0]

    def answer(connection: socket.socket) -> None:
        body = bodies.pop(0) if len(bodies) > 1 else bodies[0]
        connection.sendall(HEAD + b"Content-Length: %d\r\n\r\n" % len(body) + body)

    with speaking(answer) as address:
        assert read_snapshot(address) == Snapshot()
