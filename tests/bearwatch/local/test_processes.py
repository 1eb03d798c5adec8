"""Child processes: on the safe path, restarted within limits, with a log of bounded size, never left behind."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from bearwatch.local.processes import Process, bearwatch_command, last_line, limit_size, watchdog_command
from stream.errors import StreamError

PARENT = """
import sys, time
from pathlib import Path
from bearwatch.local.processes import Process
child = Process("sleeper", ["sleep", "100"], Path(sys.argv[1]))
child.start()
print(child.pid, flush=True)
time.sleep(100)
"""


DEAF = ["/bin/sh", "-c", "trap '' TERM; sleep 100"]


def process(folder: Path, code: str, max_restarts: int = 0) -> Process:
    return Process("child", [sys.executable, "-c", code], folder / "child.log", max_restarts)


def wait_for_exit(child: Process) -> None:
    while child.exit_code is None:
        time.sleep(0.02)


def test_a_command_starts_where_folders_are_named_like_packages(tmp_path: Path):
    for name in ("bearwatch", "models", "stream", "alerting", "training", "tests"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not ours')")
    done = subprocess.run(bearwatch_command("rules", "--help"), cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_an_exit_is_an_error_with_the_last_line_logged(tmp_path: Path):
    child = process(tmp_path, "raise SystemExit('no such file\\n')")
    child.start()
    wait_for_exit(child)
    with pytest.raises(
        StreamError, match=r"the child exited with code 1: no such file \(log: .*child\.log\)"
    ):
        child.check()
    child.stop()


def test_a_restarted_process_that_exits_repeatedly_is_an_error(tmp_path: Path):
    child = process(tmp_path, "raise SystemExit('no model')", max_restarts=2)
    child.start()
    for _ in range(2):
        wait_for_exit(child)
        former = child._running
        child.check()
        assert child._running is not former, "restarted"
    wait_for_exit(child)
    with pytest.raises(StreamError, match="the child exits repeatedly: no model"):
        child.check()
    child.stop()


def test_stopping_ends_also_what_is_paused_or_deaf_to_sigterm(tmp_path: Path):
    sleep = "print('on', flush=True); import time; time.sleep(99)"
    deaf = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {sleep}"
    for code, pause in ((deaf, False), (sleep, True)):
        child = process(tmp_path, code)
        child.start()
        while not last_line(child.log_file).startswith("on"):
            time.sleep(0.02)
        pid = child.pid
        assert pid is not None
        if pause:
            child.signal(signal.SIGSTOP)
        child.stop(timeout_seconds=60 if pause else 0.1)
        assert not psutil.pid_exists(pid)
        assert child.pid is None
        child.log_file.unlink()


def test_files_of_a_child_are_for_its_user(tmp_path: Path):
    child = process(tmp_path, "import pathlib; pathlib.Path('made').touch(); pathlib.Path('in').mkdir()")
    child.cwd = tmp_path
    former = os.umask(0)
    try:
        child.start()
        wait_for_exit(child)
        limit_size(child.log_file, -1)
    finally:
        os.umask(former)
    child.stop()
    modes = {each.name: each.stat().st_mode & 0o777 for each in tmp_path.iterdir()}
    assert modes == {"made": 0o600, "in": 0o700, "child.log": 0o600, "child.log.1": 0o600}


@pytest.mark.parametrize("deaf", [False, True], ids=["", "deaf to SIGTERM"])
def test_a_killed_parent_leaves_no_child_behind(deaf: bool, tmp_path: Path):
    code = PARENT if not deaf else PARENT.replace('["sleep", "100"]', repr(DEAF))
    parent = subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path / "log")], stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    child = psutil.Process(int(parent.stdout.readline()))
    parent.kill()
    parent.communicate()
    psutil.wait_procs([child], timeout=60)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="only Linux says when a process started")
def test_a_watchdog_spares_another_process_that_got_the_number():
    stranger = subprocess.Popen(["sleep", "60"])
    command = watchdog_command(stranger.pid)
    try:
        subprocess.run([*command[:-1], str(int(command[-1]) - 1)], stdin=subprocess.DEVNULL, check=False)
        assert stranger.poll() is None
        subprocess.run(command, stdin=subprocess.DEVNULL, check=False)
        assert stranger.wait(30) == -signal.SIGTERM
    finally:
        stranger.kill()
        stranger.wait()


def test_a_log_file_is_bounded_while_its_writer_keeps_it_open(tmp_path: Path):
    log_file = tmp_path / "child.log"
    with log_file.open("ab", buffering=0) as writer:  # as a child's standard error is
        writer.write(b"x" * 60 + b"\n")
        limit_size(log_file, limit_bytes=100)
        assert not log_file.with_name("child.log.1").exists()
        writer.write(b"y" * 60 + b"\n")
        limit_size(log_file, limit_bytes=100)
        writer.write(b"z\n")
    assert log_file.read_bytes() == b"z\n"
    assert log_file.with_name("child.log.1").read_bytes() == b"x" * 60 + b"\n" + b"y" * 60 + b"\n"


def test_checking_a_process_bounds_its_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bearwatch.local.processes.LOG_BYTES", 10)
    child = process(tmp_path, "import time; print('line ' * 10, flush=True); time.sleep(99)")
    child.start()
    while not last_line(child.log_file).startswith("line"):
        time.sleep(0.02)
    child.check()
    child.stop()
    assert child.log_file.stat().st_size == 0
