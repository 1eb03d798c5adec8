"""The webhook receiver: what it accepts, and that it writes it once, also after crashes and on a full disk."""

import asyncio
import http.client
import io
import json
import os
import resource
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from aiohttp.test_utils import TestClient, TestServer
from waiting import PATIENCE_SECONDS
from webhook_double import WebhookDouble

from alerting.errors import AlertingError
from alerting.notify import webhook as module
from alerting.notify.notices import Notification, receipts
from alerting.notify.receipts import ReceiptFile
from alerting.notify.webhook import MAX_BODY_BYTES, read_token, webhook
from bearwatch.local.ports import free_port

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TOKEN = "s3cret"  # noqa: S105
BEARER = {"Authorization": f"Bearer {TOKEN}"}


def notice(fingerprint: str = "f1", status: str = "firing", **changes: Any) -> dict[str, Any]:
    return {
        "status": status,
        "labels": {"alertname": "BearwatchSurge", "stream": "news", "topic": "Macro", "severity": "critical"},
        "annotations": {"summary": "9 of 10 stories negative"},
        "startsAt": "2026-11-24T11:59:00.123456789Z",
        "endsAt": "2026-11-24T12:30:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "generatorURL": "http://prometheus/graph",
        "fingerprint": fingerprint,
        **changes,
    }


def notification(*alerts: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "version": "4", "groupKey": "{}", "truncatedAlerts": 0, "status": "firing", "receiver": "risk",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://alertmanager",
        "alerts": list(alerts), **changes,
    }  # fmt: skip


def received(*alerts: dict[str, Any]) -> Any:
    return receipts(msgspec.json.decode(json.dumps(notification(*alerts)), type=Notification), NOW)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def post(path: Path, *bodies: bytes, headers: dict[str, str] = BEARER) -> list[tuple[int, str]]:
    """Send bodies one after the other to a receiver in this process; gives each answer."""

    async def send() -> list[tuple[int, str]]:
        with ReceiptFile(path) as file:
            async with TestClient(TestServer(webhook(file, TOKEN.encode(), lambda: NOW))) as client:
                answers = [await client.post("/", data=io.BytesIO(body), headers=headers) for body in bodies]
                return [(answer.status, await answer.text()) for answer in answers]

    return asyncio.run(send())


def test_firing_and_resolved_are_each_written_once(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    firing = json.dumps(notification(notice(unknown=1), surprise={"a": []})).encode()
    over = json.dumps(notification(notice(status="resolved"), notice("f2"))).encode()
    answers = post(path, firing, firing, over, over)
    assert [status for status, _ in answers] == [200] * 4
    assert [text.split()[0] for _, text in answers] == ["1", "0", "2", "0"]
    written = lines(path)
    assert [(each["fingerprint"], each["status"]) for each in written] == [
        ("f1", "firing"),
        ("f1", "resolved"),
        ("f2", "firing"),
    ]
    assert written[0] == {
        "received_at": "2026-11-24T12:00:00Z",
        "status": "firing",
        "starts_at": "2026-11-24T11:59:00.123457Z",
        "ends_at": None,
        "receiver": "risk",
        "labels": notice()["labels"],
        "annotations": notice()["annotations"],
        "generator_url": "http://prometheus/graph",
        "fingerprint": "f1",
    }
    assert written[1]["ends_at"] == "2026-11-24T12:30:00Z"


def test_the_same_alert_may_begin_again_later(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    post(
        path, *(json.dumps(notification(notice(startsAt=f"2026-11-24T1{n}:00:00Z"))).encode() for n in (1, 2))
    )
    assert len(lines(path)) == 2


@pytest.mark.parametrize(
    "headers",
    [{}, {"Authorization": "Bearer wrong"}, {"Authorization": TOKEN}, {"Authorization": "Basic s3cret"},
     {"Authorization": "Bearer é"}],
)  # fmt: skip
def test_without_the_token_nothing_is_read(tmp_path: Path, headers: dict[str, str]):
    path = tmp_path / "out.jsonl"
    assert post(path, json.dumps(notification(notice())).encode(), headers=headers)[0][0] == 401
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        (b"", 400, "version 4"),
        (b"{", 400, "version 4"),
        (b"\xff", 400, "version 4"),
        (b"[" * 100_000, 400, "version 4"),
        (json.dumps(notification(notice(), version="3")).encode(), 400, "$.version"),
        (json.dumps(notification(notice(status="odd"))).encode(), 400, "$.alerts[0].status"),
        (json.dumps(notification(notice(startsAt="now"))).encode(), 400, "$.alerts[0].startsAt"),
        (b" " * (MAX_BODY_BYTES + 1), 413, "bytes"),
    ],
)
def test_what_it_cannot_take_is_rejected_whole(tmp_path: Path, body: bytes, status: int, said: str):
    path = tmp_path / "out.jsonl"
    good = json.dumps(notification(notice())).encode()
    (rejected, text), (after, _) = post(path, body, good)
    assert (rejected, after) == (status, 200)
    assert said in text
    assert len(lines(path)) == 1


def test_a_body_that_does_not_come_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "BODY_SECONDS", 0.05)

    async def never() -> Any:
        yield b"{"
        await asyncio.sleep(30)

    async def send() -> int:
        with ReceiptFile(tmp_path / "out.jsonl") as file:
            async with TestClient(TestServer(webhook(file, TOKEN.encode()))) as client:
                return (await client.post("/", data=never(), headers=BEARER)).status

    assert asyncio.run(send()) == 408


def test_what_was_written_is_known_after_a_restart(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    body = json.dumps(notification(notice())).encode()
    post(path, body)
    assert post(path, body) == [(200, "0 written, 1 known\n")]
    assert len(lines(path)) == 1


def test_a_line_that_a_crash_cut_off_goes_and_comes_again(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    body = json.dumps(notification(notice(), notice("f2"))).encode()
    post(path, body)
    os.truncate(path, path.stat().st_size - 7)
    assert post(path, body) == [(200, "1 written, 1 known\n")]
    assert [each["fingerprint"] for each in lines(path)] == ["f1", "f2"]


@pytest.mark.parametrize("text", ['{"a": 1}\n', '{"a": 1}', "token", "{}"])
def test_a_file_of_something_else_is_not_touched(text: str, tmp_path: Path):
    path = tmp_path / "out.jsonl"
    path.write_text(text)
    with pytest.raises(AlertingError, match="line 1 is not a record"):
        ReceiptFile(path)
    assert path.read_text() == text


@pytest.mark.parametrize("torn", [b"{", b'{"received_at":"2026-11-24T12', b'{"rec\0\0\0', b"\0\0"])
def test_a_line_that_was_never_whole_is_dropped(torn: bytes, tmp_path: Path):
    path = tmp_path / "out.jsonl"
    path.write_bytes(torn)
    with ReceiptFile(path):
        assert path.read_bytes() == b""


def test_two_receivers_do_not_share_a_file(tmp_path: Path):
    with ReceiptFile(tmp_path / "out.jsonl"), pytest.raises(AlertingError, match="in use"):
        ReceiptFile(tmp_path / "out.jsonl")


@contextmanager
def disk_of(size: int) -> Iterator[None]:
    """Files cannot grow beyond `size`: as on a full disk, a write is cut short and the next one fails."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_nothing_half_written(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    with ReceiptFile(path) as file:
        file.add(received(notice()))
        whole = path.read_bytes()
        with disk_of(len(whole) + 20), pytest.raises(OSError):
            file.add(received(notice("f2"), notice("f3")))
        assert path.read_bytes() == whole
        assert file.add(received(notice("f2"), notice("f3"))) == 2
    assert [each["fingerprint"] for each in lines(path)] == ["f1", "f2", "f3"]


def test_a_full_disk_is_answered_503(tmp_path: Path):
    path = tmp_path / "out.jsonl"
    with disk_of(20):
        assert post(path, json.dumps(notification(notice())).encode())[0][0] == 503
    assert path.read_bytes() == b""


def test_it_is_confirmed_only_when_it_is_on_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    order: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda _: order.append("on disk"))
    with ReceiptFile(tmp_path / "out.jsonl") as file:
        order.clear()
        file.add(received(notice()))
        order.append("confirmed")
    assert order == ["on disk", "confirmed"]


def test_an_empty_token_is_an_error(tmp_path: Path):
    (tmp_path / "token").write_text("\n")
    with pytest.raises(AlertingError, match="is empty"):
        read_token(tmp_path / "token")


def start(port: int, tmp_path: Path) -> "subprocess.Popen[str]":
    (tmp_path / "token").write_text(TOKEN + "\n")
    command = [sys.executable, "-m", "bearwatch", "webhook", "--listen", f"127.0.0.1:{port}"]
    command += ["--token-file", str(tmp_path / "token"), "--out", str(tmp_path / "out.jsonl")]
    return subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


@contextmanager
def running(port: int, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    process = start(port, tmp_path)
    try:
        assert process.stdout is not None
        assert "webhook receiver on" in process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_the_command_serves_and_ends_cleanly(tmp_path: Path, stop: signal.Signals):
    port = free_port()
    body = json.dumps(notification(notice())).encode()
    with running(port, tmp_path) as process:
        request = urllib.request.Request(f"http://127.0.0.1:{port}/", data=body, headers=BEARER)
        with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
            assert answer.status == 200
        process.send_signal(stop)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, "Traceback" in output) == (0, False), output
    assert len(lines(tmp_path / "out.jsonl")) == 1


def test_a_taken_address_is_a_clear_error(tmp_path: Path):
    with WebhookDouble() as double:
        process = start(double.port, tmp_path)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert "choose another address with --listen" in output and "Traceback" not in output


def test_the_double_does_what_its_mode_says():
    def ask() -> int | str:
        try:
            with urllib.request.urlopen(double.url, data=b"{}", timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
                return int(answer.status)
        except urllib.error.HTTPError as error:
            error.close()
            return error.code
        except http.client.HTTPException:
            return "no HTTP"

    with WebhookDouble(slow_seconds=0.2) as double:
        assert ask() == 200
        double.mode = "error"
        assert ask() == 500
        double.mode = "garbage"
        assert ask() == "no HTTP"
        double.mode = "slow"
        started = time.monotonic()
        assert ask() == 200
        assert time.monotonic() - started >= 0.2
    assert double.bodies == [b"{}"] * 4
