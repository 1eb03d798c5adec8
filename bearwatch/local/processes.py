"""Child processes and their supervision: started, kept running, stopped, and never left behind.

Children start on Python's safe path (`-P`): a folder that holds packages named `models`, `stream` or `tests` must not
hide ours. Their output is appended to a log file of bounded size.
"""

import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bearwatch.local.data_folder import UMASK
from stream.errors import StreamError

STOP_SECONDS = 9.0
RESTART_SECONDS = 60.0  # restarts are counted within this time
KILL_SECONDS = 3  # from SIGTERM to SIGKILL for what a killed parent leaves
LOG_BYTES = 10_000_000  # of a log file; the part before it is kept as NAME.1
# The child must not outlive a parent that was killed. The shell waits for the end of a pipe that only the
# parent holds open; PR_SET_PDEATHSIG exists on Linux alone, and acts when the starting *thread* exits.
# Everything is safe when it is killed; a supervisor, or the next start, needs the ports.
# A number of a process may by then be another one's: on Linux, the time of its start tells them apart.
WATCHDOG = f"""
started() {{ stat=$(cat "/proc/$1/stat" 2>&-) && set -- ${{stat##*) }} && echo "${{20}}"; }}
send() {{ [ "$(started "$2")" = "$3" ] && kill "$1" "$2" 2>&-; }}
read -r _
send -CONT "$@"
send -TERM "$@" || exit
sleep {KILL_SECONDS}
send -KILL "$@"
"""
log = logging.getLogger("bearwatch.processes")


def bearwatch_command(*arguments: str) -> list[str]:
    """The command line of another `bearwatch` process of the same installation."""
    return [sys.executable, "-P", "-m", "bearwatch", *arguments]


@dataclass
class Process:
    """A child process in a session of its own: Ctrl-C in the terminal is for us, and we stop it in our order."""

    name: str
    command: Sequence[str]
    log_file: Path
    max_restarts: int = 0  # within RESTART_SECONDS, before `check` gives up
    cwd: Path | None = None  # None: that of the parent
    environment: Mapping[str, str] = field(default_factory=dict)  # besides that of the parent
    _running: subprocess.Popen[bytes] | None = None
    _watchdog: subprocess.Popen[bytes] | None = None
    _exits: list[float] = field(default_factory=list)  # times of a steady clock

    @property
    def pid(self) -> int | None:
        """None when it does not run."""
        return self._running.pid if self._running is not None and self.exit_code is None else None

    @property
    def exit_code(self) -> int | None:
        """None while it runs and before the first start."""
        return None if self._running is None else self._running.poll()

    def start(self) -> None:
        """Start it; a former run must have exited."""
        self._end_watchdog()
        with open(self.log_file, "ab", opener=_private) as output:
            self._running = subprocess.Popen(  # noqa: S603 - our own command line
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
                cwd=self.cwd,
                env={**os.environ, **self.environment},
                umask=UMASK,
            )
        self._watchdog = subprocess.Popen(  # noqa: S603
            watchdog_command(self._running.pid),
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )

    def check(self) -> None:
        """Start it again if it exited, and keep its log file small; call it every second or so.

        Raises:
            StreamError: it exited more often than `max_restarts` within RESTART_SECONDS.
        """
        limit_size(self.log_file, LOG_BYTES)
        if (code := self.exit_code) is None:
            return
        now = time.monotonic()
        self._exits = [*(exit_ for exit_ in self._exits if now - exit_ < RESTART_SECONDS), now]
        if len(self._exits) > self.max_restarts:
            what = "exits repeatedly" if self.max_restarts else f"exited with code {code}"
            raise StreamError(f"the {self.name} {what}: {last_line(self.log_file)} (log: {self.log_file})")
        log.warning("the %s exited with code %d; restarting it (log: %s)", self.name, code, self.log_file)
        self.start()

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal, if it runs."""
        if self._running is not None:
            self._running.send_signal(number)  # does nothing when the process has exited

    def stop(self, timeout_seconds: float = STOP_SECONDS) -> None:
        """SIGTERM, and SIGKILL when it has not exited in time. Does nothing when none runs."""
        if self._running is not None:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGCONT)  # a stopped process acts on SIGTERM only when it continues
            try:
                self._running.wait(timeout_seconds)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait()
            self._running = None
        self._end_watchdog()

    def _end_watchdog(self) -> None:
        if self._watchdog is not None:
            self._watchdog.kill()
            self._watchdog.communicate()
            self._watchdog = None


def watchdog_command(pid: int) -> list[str]:
    """The command line of a process that ends another one, of that number, when its own standard input ends."""
    stat = Path(f"/proc/{pid}/stat")
    started = stat.read_text().rpartition(") ")[2].split()[19] if stat.exists() else ""
    return ["/bin/sh", "-c", WATCHDOG, "bearwatch-watchdog", str(pid), started]


def limit_size(log_file: Path, limit_bytes: int) -> None:
    """Move what a log file holds to NAME.1 when it is longer than `limit_bytes`.

    It is copied and emptied, not renamed: the process that appends to it keeps the file open. A line written between
    the two steps is lost.
    """
    if log_file.exists() and log_file.stat().st_size > limit_bytes:
        former = log_file.with_name(f"{log_file.name}.1")
        former.touch(mode=0o600)
        shutil.copyfile(log_file, former)
        with log_file.open("r+b") as file:
            file.truncate()


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def last_line(log_file: Path) -> str:
    """The last line of a log file that is not empty."""
    lines = log_file.read_text(errors="replace").splitlines() if log_file.exists() else []
    return next((line.strip() for line in reversed(lines) if line.strip()), "it logged nothing")
