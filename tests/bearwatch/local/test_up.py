"""`bearwatch up` as its user runs it: a surge in a file becomes an alert, a second start continues, Ctrl-C stops."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from keyword_model import write_keyword_model
from story_file import write_history
from waiting import PATIENCE_SECONDS

from bearwatch.local.kafka import LocalKafka
from bearwatch.local.ports import free_port
from bearwatch.local.up import local_broker
from stream.errors import StreamError

POLICY = Path(__file__).parents[2] / "support" / "minute_policy.toml"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_keyword_model(tmp_path_factory.mktemp("model"))


def command(folder: Path, feed: Path, model: Path, *flags: str) -> list[str]:
    return [
        *(sys.executable, "-m", "bearwatch", "up", "--feed", str(feed), "--data-dir", str(folder / "data")),
        *("--model", str(model), "--policy", str(POLICY), "--metrics-port", str(free_port()), *flags),
    ]


def run(*arguments: object, timeout: float = 600) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), capture_output=True, text=True, timeout=timeout)


def left_behind(folder: Path) -> list[str]:
    """Processes that still know of the data directory."""
    lines = (" ".join(each.info["cmdline"] or ()) for each in psutil.process_iter(["cmdline"]))
    return [line for line in lines if str(folder / "data") in line]


def test_a_surge_becomes_an_alert_and_a_second_start_continues(tmp_path: Path, model: Path):
    feed = write_history(tmp_path / "feed.jsonl", surge=True, now=time.time())
    first = run(tmp_path, feed, model, "--until-alert", "--for", "400")
    assert first.returncode == 0, first.stdout + first.stderr
    assert "480 documents of history sent" in first.stderr
    assert "surge of bad news about Financials" in first.stdout
    assert "bank negative number" in first.stdout, "the headlines"
    assert left_behind(tmp_path) == []

    second = run(tmp_path, feed, model, "--for", "20")
    assert second.returncode == 0, second.stderr
    assert "0 documents of history sent" in second.stderr
    assert "surge of bad news about Financials" in second.stdout, "the alerts topic has kept it"


def test_no_alert_in_time_is_exit_code_1(tmp_path: Path, model: Path):
    feed = write_history(tmp_path / "feed.jsonl", surge=False, now=time.time())
    ended = run(tmp_path, feed, model, "--until-alert", "--for", "12")
    assert ended.returncode == 1
    assert "no alert fired within 12 s" in ended.stderr


def serving(folder: Path, line: list[str]) -> "subprocess.Popen[str]":
    """Started with the umask that is open to all, and serving."""
    process = subprocess.Popen(line, stdout=subprocess.PIPE, text=True, umask=0)
    assert process.stdout is not None
    while not (said := process.stdout.readline()).startswith("serving"):
        assert said, "it ended before it served"
    data = folder / "data"
    readable = [each for each in (data, *data.rglob("*")) if each.lstat().st_mode & 0o077]
    assert readable == [], "nobody else may read what is in the data directory"
    return process


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGKILL])
def test_a_signal_ends_everything(number: signal.Signals, tmp_path: Path, model: Path):
    """After SIGKILL, which it cannot know of, the next start finds the ports free."""
    feed = write_history(tmp_path / "feed.jsonl", surge=False, now=time.time())
    line = command(tmp_path, feed, model, "--session-timeout-seconds", "9", "--stuck-after-seconds", "77")
    process = serving(tmp_path, line)
    (worker,) = (
        each.cmdline() for each in psutil.Process(process.pid).children() if "worker" in each.cmdline()
    )
    assert worker[worker.index("--session-timeout-seconds") + 1] == "9.0", "it gets the settings of up"
    assert worker[worker.index("--stuck-after-seconds") + 1] == "77.0"
    if number == signal.SIGKILL:
        process.kill()
        process.communicate()
        process, number = serving(tmp_path, line), signal.SIGINT
    process.send_signal(number)
    process.communicate(timeout=PATIENCE_SECONDS)
    assert process.returncode == 130
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(("pid", "message"), [(None, "the local Kafka exited: no space"), (7, "no answer")])
def test_where_kafka_has_exited_that_is_the_reason(
    pid: int | None, message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(LocalKafka, "start", lambda self: setattr(self, "port", 1))
    monkeypatch.setattr(LocalKafka, "reason", lambda self: "no space left on device")
    monkeypatch.setattr(LocalKafka, "pid", pid)
    with pytest.raises(StreamError, match=message), local_broker(tmp_path):
        raise StreamError("no answer")


def test_mistakes_are_reported_at_once(tmp_path: Path, model: Path):
    feed = write_history(tmp_path / "feed.jsonl", surge=False, now=time.time())
    unknown = run(tmp_path, tmp_path / "none.jsonl", model)
    assert unknown.returncode == 2 and "none.jsonl" in unknown.stderr
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        taken = run(tmp_path, feed, model, "--metrics-port", port)
    assert taken.returncode == 1 and "--metrics-port" in taken.stderr
    assert "Traceback" not in unknown.stderr + taken.stderr
