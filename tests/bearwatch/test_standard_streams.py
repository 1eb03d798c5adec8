"""Commands with standard input, output or error closed or full, and with odd environments: an answer or one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from external_tools import unavailable
from waiting import PATIENCE_SECONDS

from bearwatch.standard_streams import LONGEST_LINE, shortened

BEARWATCH = f"{sys.executable} -m bearwatch"
FULL = Path("/dev/full")


def shell(line: str, folder: Path, **environment: str) -> "subprocess.CompletedProcess[str]":
    """Run a line of the shell in which $B is the command; standard error is text whatever it holds."""
    return subprocess.run(
        ["/bin/sh", "-c", line],
        env={**os.environ, "B": BEARWATCH, **environment},
        cwd=folder,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=PATIENCE_SECONDS,
    )


@pytest.mark.parametrize(
    ("line", "code", "error"),
    [
        ("$B classify <&-", 1, "standard input or output: it is closed"),
        ("$B --version >&-", 1, "standard input or output: it is closed"),
        ("$B rules --out out <&- >&- 2>&-", 1, ""),
        ("$B rules --policy none 2>&-", 2, ""),
        ("$B rules --help | head -1", 0, ""),
    ],
)
def test_a_closed_stream_is_one_line(line: str, code: int, error: str, tmp_path: Path) -> None:
    done = shell(line, tmp_path)
    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert error in done.stderr and done.stderr.count("\n") <= 2
    assert "Error" not in done.stdout, "nothing meant for standard error reaches standard output"


@pytest.mark.parametrize(
    ("line", "code"),
    [("$B --help >/dev/full", 1), ("$B rules >/dev/full", 1), ("$B rules --policy none 2>/dev/full", 2)],
)
def test_a_full_output_is_one_line(line: str, code: int, tmp_path: Path) -> None:
    if not FULL.exists():
        unavailable("the system has no device that is always full")
    done = shell(line, tmp_path)
    assert (done.returncode, done.stdout) == (code, "")
    assert done.stderr in ("", "bearwatch: error: standard input or output: No space left on device\n")


def test_what_a_closed_stream_stands_for_is_not_given_to_a_file(tmp_path: Path) -> None:
    """Else the next file that is opened has the number 1, and every `print` is written into it."""
    code = (
        "import os, sys; from bearwatch.standard_streams import open_closed; open_closed(); "
        "file = open('data', 'wb'); sys.exit(file.fileno())"
    )
    done = shell(f'{sys.executable} -c "{code}" <&- >&- 2>&-', tmp_path)
    assert done.returncode == 3


@pytest.mark.parametrize(
    "environment",
    [
        {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "COLUMNS": "0", "TERM": ""},
        {"LC_ALL": "xx_YY.UTF-8", "COLUMNS": "9" * 30, "HOME": "/proc/none", "TERM": "none"},
        {"PYTHONIOENCODING": "ascii", "PYTHONWARNINGS": "error", "COLUMNS": "-5", "TERM": "dumb", "HOME": ""},
    ],
    ids=["no locale", "odd locale", "ASCII"],
)
def test_an_odd_environment_is_no_obstacle(environment: dict[str, str], tmp_path: Path) -> None:
    done = shell("$B rules --out 'blé–\udcff' && $B --help", tmp_path, **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert "classify" in done.stdout and len(list(tmp_path.glob("bl*/alerts.yml"))) == 1


@pytest.mark.parametrize("module", ["click", "tokenizers", "faust"])
def test_ctrl_c_while_modules_are_loaded_leaves_no_traceback(module: str, tmp_path: Path) -> None:
    """Loading takes a second, more on a busy machine; and onnxruntime makes another error of it."""
    (tmp_path / f"{module}.py").write_text(
        "import os, signal\n"
        "try: os.kill(os.getpid(), signal.SIGINT)\n"
        "except KeyboardInterrupt: raise ImportError('initialization failed')\n"
    )
    done = shell("$B worker --broker 127.0.0.1:1", tmp_path, PYTHONPATH=f"{tmp_path}:{':'.join(sys.path)}")
    assert (done.returncode, done.stderr) == (130, "")


def test_a_folder_that_was_removed_is_one_line(tmp_path: Path) -> None:
    done = shell("mkdir gone && cd gone && rmdir ../gone && $B up --data-dir data", tmp_path)
    assert done.returncode == 1
    assert (
        done.stderr
        == "bearwatch: error: data: the data directory cannot be used: No such file or directory\n"
    )


def test_warnings_of_libraries_end_no_command(tmp_path: Path) -> None:
    done = shell("$B topics --help", tmp_path, PYTHONWARNINGS="error")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_middle_of_a_long_line_is_left_out() -> None:
    line = shortened("a" * 5000 + "b" * 5000)
    assert len(line) < LONGEST_LINE + 10 and line.startswith("aaa") and line.endswith("bbb")
    assert shortened("short") == "short"
