"""The HTTP server under everything but ordinary requests: it answers in one line, or closes, and others are served."""

import gzip
import resource
import socket
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from aiohttp import web
from alert_messages import NOW, alert
from prometheus_client import CollectorRegistry
from raw_http import Address, connect, exchange, get, served
from waiting import wait_until

from alerting.evidence.server import Evidence
from alerting.monitoring.metrics import Metrics
from alerting.notify.receipts import ReceiptFile
from alerting.notify.webhook import webhook
from bearwatch.core import http_connections
from bearwatch.core.http_server import application
from bearwatch.core.logs import RepetitionLimit
from bearwatch.local.ports import free_port
from stream.kafka.connection import KafkaConnection
from stream.settings import WorkerSettings
from stream.worker.health import Health
from stream.worker.metrics_server import metrics_application

HOST = b"\r\nHost: test\r\n"
LONG = bytes(20_000_000)  # more than the buffers of a connection hold
SERVERS = ("worker", "evidence", "webhook")


@pytest.fixture(scope="module")
def addresses(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Address]]:
    """The three servers of the product, each with something to show."""
    registry = CollectorRegistry()
    Metrics(registry, topics=("Macro",), sentiments=("negative",), dead_letter_reasons=("json",))
    settings = WorkerSettings(KafkaConnection("kafka:9092"))
    evidence = Evidence(lambda: NOW)
    evidence.history.add(alert())
    evidence.seen()
    path: Path = tmp_path_factory.mktemp("webhook") / "out.jsonl"
    with (
        ReceiptFile(path) as file,
        served(metrics_application(Health(assigned=True), registry, settings)) as worker,
        served(evidence.app()) as pages,
        served(webhook(file, b"s3cret")) as receiver,
    ):
        yield {"worker": worker, "evidence": pages, "webhook": receiver}


@pytest.fixture(params=SERVERS)
def address(request: pytest.FixtureRequest, addresses: dict[str, Address]) -> Address:
    return addresses[request.param]


def check_one_line(status: int, headers: dict[str, str], body: bytes) -> None:
    assert 400 <= status < 500, body
    assert len(body.splitlines()) == 1 and len(body) < 200
    assert body.decode().rstrip("\n").isprintable()
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["content-security-policy"].startswith("default-src 'none'")
    assert headers["content-type"].startswith("text/plain")


@pytest.mark.parametrize(
    "request_bytes",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\0" * 300,  # a TLS hello
        b"SSH-2.0-x\r\n\r\n",
        b"\0" * 1000,
        b"GET /healthz HTTP/9.9" + HOST + b"\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",  # no Host
        b"FOO\x1b /healthz HTTP/1.1" + HOST + b"\r\n",
        b"BREW /healthz HTTP/1.1" + HOST + b"\r\n",
        b"PUT /healthz HTTP/1.1" + HOST + b"\r\n",
        b"DELETE /healthz HTTP/1.1" + HOST + b"\r\n",
        b"CONNECT evil.example:443 HTTP/1.1" + HOST + b"\r\n",
        b"GET http://[ HTTP/1.1" + HOST + b"\r\n",
        b"GET /" + b"a" * 20_000 + b" HTTP/1.1" + HOST + b"\r\n",
        b"GET /healthz HTTP/1.1" + HOST + b"A: b\r\n" * 2000 + b"\r\n",
        b"GET /healthz HTTP/1.1" + HOST + b"A: " + b"b" * 20_000 + b"\r\n\r\n",
        b"GET /healthz HTTP/1.1" + HOST + b"A: \x01\r\n\r\n",
        b"POST / HTTP/1.1" + HOST + b"Content-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1" + HOST + b"Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n",
        b"GET //evil.example/%2e%2e HTTP/1.1" + HOST + b"\r\n",
        b"GET /../../etc/passwd HTTP/1.1" + HOST + b"\r\n",
        b"GET /%2e%2e/%2e%2e/etc/passwd HTTP/1.1" + HOST + b"\r\n",
        b"GET /healthz%00 HTTP/1.1" + HOST + b"\r\n",
        b"GET /healthz?a=%1b%5b2J HTTP/1.1" + HOST + b"\r\n",
        b"GET /healthz?a=%ff HTTP/1.1" + HOST + b"\r\n",
        b"GET /%e2%80%ae HTTP/1.1" + HOST + b"\r\n",  # right-to-left override
        b"GET /\xff HTTP/1.1" + HOST + b"\r\n",
    ],
)  # fmt: skip
def test_odd_requests_are_answered_in_one_line(address: Address, request_bytes: bytes):
    check_one_line(*exchange(address, request_bytes))


def test_of_pipelined_requests_the_first_is_answered(address: Address):
    answer = exchange(address, (b"GET /healthz HTTP/1.1" + HOST + b"\r\n") * 50)
    assert answer.headers["connection"] == "close"
    assert b"HTTP/1.1" not in answer.body


def test_head_has_no_body(address: Address):
    asked, head = get(address, "/healthz"), get(address, "/healthz", method="HEAD")
    assert (head.status, head.body) == (asked.status, b"")


BEGINNINGS = (
    b"",
    b"GET /healthz HT",
    b"POST / HTTP/1.1" + HOST + b"Content-Length: 9\r\n\r\n",
    b"GET /metrics HTTP/1.1" + HOST + b"\r\n",  # whose answer is not read
)


@pytest.fixture
def many_files() -> Iterator[None]:
    """Both ends of each connection are files of this process."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(3000, before[0]), before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


def is_healthy(address: Address) -> bool:
    return get(address, "/healthz").status in (200, 503)


def test_health_while_a_thousand_connections_are_open(
    address: Address, many_files: None, caplog: pytest.LogCaptureFixture
):
    limit = RepetitionLimit()
    caplog.handler.addFilter(limit)
    idle = []
    try:
        for number in range(1000):
            idle.append(connect(address))
            idle[-1].sendall(BEGINNINGS[number % len(BEGINNINGS)])
        assert is_healthy(address)
    finally:
        caplog.handler.removeFilter(limit)
        for each in idle:
            each.close()
    assert is_healthy(address)
    assert len(caplog.records) < 50


@pytest.mark.parametrize("beginning", BEGINNINGS[:3])
def test_a_client_that_goes_on_slowly_is_cut_off(monkeypatch: pytest.MonkeyPatch, beginning: bytes):
    monkeypatch.setattr(http_connections, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(http_connections, "EXCHANGE_SECONDS", 0.6)

    async def echo(request: web.Request) -> web.Response:
        return web.Response(body=await request.read())

    with served(application(web.post("/", echo))) as address, connect(address) as connection:
        connection.sendall(beginning)
        connection.settimeout(0.05)
        assert ends(connection, b"x")


def ends(connection: socket.socket, bit: bytes) -> bool:
    """Send a byte now and then until the other side closes; False where it does not for long."""
    for _ in range(600):
        try:
            if connection.recv(1000) == b"":
                return True
            connection.sendall(bit)
        except TimeoutError:
            with suppress(OSError):
                connection.sendall(bit)
        except OSError:
            return True
    return False


def test_an_answer_that_is_not_read_ends(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_connections, "EXCHANGE_SECONDS", 0.3)

    used = []

    async def long(request: web.Request) -> web.Response:
        used.append(request.transport)
        return web.Response(body=LONG)

    with served(application(web.get("/", long))) as address, connect(address) as connection:
        connection.sendall(b"GET / HTTP/1.1" + HOST + b"\r\n")
        wait_until("the connection is closed", lambda: bool(used) and used[0].is_closing())


def test_a_client_that_resets_in_the_middle_of_an_answer_is_not_logged(caplog: pytest.LogCaptureFixture):
    async def long(_: web.Request) -> web.Response:
        return web.Response(body=LONG)

    with served(application(web.get("/", long))) as address:
        for _ in range(5):
            with connect(address) as connection:
                connection.sendall(b"GET / HTTP/1.1" + HOST + b"\r\n")
                connection.recv(1000)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        assert get(address, "/nowhere").status == 404
    assert not caplog.records


def test_an_error_of_ours_is_one_line_without_traceback(caplog: pytest.LogCaptureFixture):
    async def fail(_: web.Request) -> web.Response:
        raise RuntimeError("secret\x1b[2J")

    with served(application(web.get("/", fail))) as address:
        answer = get(address, "/", "Accept: text/html")
    assert (answer.status, answer.body) == (500, b"500 Internal Server Error\n")
    assert answer.headers["x-content-type-options"] == "nosniff"
    (logged,) = caplog.records
    assert logged.getMessage() == "GET / failed: RuntimeError('secret\\x1b[2J')" and logged.exc_info is None


def test_with_few_files_it_goes_on(tmp_path: Path):
    """The process may open 24 files, of which Python has some ten; 200 connections come."""
    (tmp_path / "token").write_text("s3cret")
    port = free_port()
    command = [sys.executable, "-m", "bearwatch", "webhook", "--listen", f"127.0.0.1:{port}",
               "--token-file", str(tmp_path / "token"), "--out", str(tmp_path / "out.jsonl")]  # fmt: skip
    log = tmp_path / "log"
    with log.open("wb") as output:
        receiver = subprocess.Popen(
            ["/bin/sh", "-c", 'ulimit -n 24; exec "$@"', "sh", *command], stdout=output, stderr=output
        )
    try:
        address = ("127.0.0.1", port)
        wait_until("the receiver listens", lambda: b"webhook receiver on" in log.read_bytes())
        idle = [connect(address) for _ in range(200)]
        assert get(address, "/healthz").body == b"ok\n"
        for each in idle:
            each.close()
        assert get(address, "/healthz").body == b"ok\n"
    finally:
        receiver.terminate()
        assert receiver.wait(60) == 0
    assert log.stat().st_size < 5000


ACCEPTS = ("application/openmetrics-text; version=x", "application/openmetrics-text; version=1.a",
           "text/plain;version=",
           "text/plain; version=9.x;q=nan", "application/openmetrics-text;version=" + "9" * 5000,
           "application/openmetrics-text; version=\xe9", ",;=,;version", "*/*;" * 100, "\xff")  # fmt: skip


@pytest.mark.parametrize("accept", ACCEPTS)
def test_metrics_with_an_odd_accept(addresses: dict[str, Address], accept: str):
    answer = get(addresses["worker"], "/metrics", f"Accept: {accept}")
    if answer.status != 200:
        check_one_line(*answer)
    assert b"Traceback" not in answer.body


def test_a_version_that_is_not_a_number_is_refused(addresses: dict[str, Address]):
    for accept in ACCEPTS[:2]:
        check_one_line(*get(addresses["worker"], "/metrics", f"Accept: {accept}"))


@pytest.mark.parametrize("coding", ["gzip;q=0.5", "br, zstd, x", "", "gzip" * 1000, "\xff", "identity;q=0"])
def test_metrics_with_an_odd_accept_encoding(addresses: dict[str, Address], coding: str):
    answer = get(addresses["worker"], "/metrics", f"Accept-Encoding: {coding}")
    assert answer.status == 200
    if "content-encoding" in answer.headers:
        assert b"bearwatch_documents_total" in gzip.decompress(answer.body)
    else:
        assert b"bearwatch_documents_total" in answer.body


@pytest.mark.parametrize("query", ["name[]=x_total", "name[]=&name[]=", "a=1&a=2", "&&&=", "%", "name[]=%3C"])
def test_metrics_with_an_odd_query(addresses: dict[str, Address], query: str):
    assert get(addresses["worker"], f"/metrics?{query}").status == 200
