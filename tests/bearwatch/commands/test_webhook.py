"""`bearwatch webhook`: a receiver as a process of its own."""

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from notifications import lines, notice, notification
from waiting import PATIENCE_SECONDS
from webhook_double import WebhookDouble

from bearwatch.local.ports import free_port

TOKEN = "s3cret"  # noqa: S105
BEARER = {"Authorization": f"Bearer {TOKEN}"}


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


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
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
    assert (tmp_path / "out.jsonl").stat().st_mode & 0o077 == 0, "nobody else may read what was notified"


def test_a_taken_address_is_a_clear_error(tmp_path: Path):
    with WebhookDouble() as double:
        process = start(double.port, tmp_path)
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 1
    assert "choose another address with --listen" in output and "Traceback" not in output
