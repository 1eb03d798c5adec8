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

from bearwatch.local.ports import free_port
from bearwatch.local.up import data_folder

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


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_everything(number: signal.Signals, tmp_path: Path, model: Path):
    feed = write_history(tmp_path / "feed.jsonl", surge=False, now=time.time())
    flags = ("--session-timeout-seconds", "9", "--stuck-after-seconds", "77")
    process = subprocess.Popen(command(tmp_path, feed, model, *flags), stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    while not (line := process.stdout.readline()).startswith("serving"):
        assert line, "it ended before it served"
    (worker,) = (
        each.cmdline() for each in psutil.Process(process.pid).children() if "worker" in each.cmdline()
    )
    assert worker[worker.index("--session-timeout-seconds") + 1] == "9.0", "it gets the settings of up"
    assert worker[worker.index("--stuck-after-seconds") + 1] == "77.0"
    process.send_signal(number)
    assert process.wait(PATIENCE_SECONDS) == 130
    process.stdout.close()
    assert left_behind(tmp_path) == []


def test_mistakes_are_reported_at_once(tmp_path: Path, model: Path):
    feed = write_history(tmp_path / "feed.jsonl", surge=False, now=time.time())
    unknown = run(tmp_path, tmp_path / "none.jsonl", model)
    assert unknown.returncode == 2 and "none.jsonl" in unknown.stderr
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        taken = run(tmp_path, feed, model, "--metrics-port", port)
    assert taken.returncode == 1 and "--metrics-port" in taken.stderr
    assert "Traceback" not in unknown.stderr + taken.stderr


def test_the_data_directory_is_ignored_by_git(tmp_path: Path):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    (data_folder(tmp_path / "mine") / "up.log").touch()
    (tmp_path / "existing").mkdir()
    (data_folder(tmp_path / "existing") / "up.log").touch()
    done = subprocess.run(["git", "-C", tmp_path, "status", "--short"], capture_output=True, text=True)
    assert done.stdout == "?? existing/\n", "a folder that was there before is its owner's"
