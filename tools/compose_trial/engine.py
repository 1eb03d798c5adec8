"""Docker's engine with everything of its own: data, sockets, configuration. It changes no firewall and no routing."""

import fcntl
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tools.compose_trial.commands import NoEngine, TrialError, call

START_SECONDS, STOP_SECONDS = 60.0, 45.0


@dataclass(frozen=True)
class Docker:
    """Docker's command line, for the engine of this trial and no other."""

    program: Path
    environment: dict[str, str]

    def __call__(
        self,
        *arguments: str | Path,
        seconds: float = 60,
        folder: Path | None = None,
        stdin: bytes = b"",
    ) -> str:
        return call(
            *(self.program, *arguments),
            environment=self.environment,
            seconds=seconds,
            folder=folder,
            stdin=stdin,
        )


@contextmanager
def engine(programs: Path, plugins: Path, folder: Path) -> Iterator[Docker]:
    """Start an engine whose data lie in `folder`; on leaving it has ended.

    Raises:
        NoEngine: it does not start on this machine.
    """
    usr = programs / "usr"
    libraries = next(usr.glob("lib/*/libxtables.so.*")).parent
    (folder / "config").mkdir()
    (folder / "config" / "cli-plugins").symlink_to(plugins)
    (folder / "bin").mkdir()
    (folder / "bin" / "iptables").symlink_to(usr / "sbin" / "xtables-nft-multi")
    docker = Docker(
        usr / "bin" / "docker",
        {
            **os.environ,
            "PATH": os.pathsep.join(
                map(str, (folder / "bin", usr / "bin", usr / "sbin", os.environ["PATH"]))
            ),
            "DOCKER_HOST": f"unix://{folder / 'docker.sock'}",
            "DOCKER_CONFIG": str(folder / "config"),
            "DOCKER_BUILDKIT": "0",  # BuildKit's command is another package
        },
    )
    with (folder / "dockerd.log").open("wb") as log:
        daemon = subprocess.Popen(  # noqa: S603 - a session of its own: Ctrl-C is for us, we end it in our order
            [
                *("setpriv", "--pdeathsig", "TERM"),  # should the trial itself be killed
                *(str(usr / "sbin" / "dockerd"), "--bridge=none", "--iptables=false"),
                *("--ip6tables=false", "--ip-forward=false", "--data-root", str(folder / "data")),
                *("--exec-root", str(folder / "exec"), "--pidfile", str(folder / "dockerd.pid")),
                *("-H", docker.environment["DOCKER_HOST"]),
            ],
            env={
                **docker.environment,
                "LD_LIBRARY_PATH": str(libraries),
                "XTABLES_LIBDIR": str(libraries / "xtables"),
            },
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        _wait(docker, daemon, folder / "dockerd.log")
        yield docker
    finally:
        _end(daemon, folder)


def _wait(docker: Docker, daemon: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        with suppress(TrialError):
            docker("version", seconds=10)
            return
        if daemon.poll() is not None or time.monotonic() > deadline:
            lines = log.read_text(errors="replace").splitlines() or ["without a word"]
            raise NoEngine(f"no container engine here: dockerd does not start: {lines[-1]}")
        time.sleep(0.5)


def _end(daemon: subprocess.Popen[bytes], folder: Path) -> None:
    """End the daemon, and its containerd should that outlive it."""
    daemon.terminate()
    try:
        daemon.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        daemon.kill()
        daemon.wait()
    with suppress(OSError, ValueError):
        os.kill(int((folder / "exec" / "containerd" / "containerd.pid").read_text()), signal.SIGKILL)


@contextmanager
def empty_folder(folder: Path) -> Iterator[Path]:
    """A folder for one trial at a time, gone on leaving; what a killed one left in it is removed first.

    Raises:
        TrialError: another trial has it.
    """
    with folder.with_name(f"{folder.name}.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise TrialError(f"another trial uses {folder}") from None
        _remove(folder)
        folder.mkdir(parents=True)
        try:
            yield folder
        finally:
            _remove(folder)


def _remove(folder: Path) -> None:
    for line in reversed(Path("/proc/self/mounts").read_text().splitlines()):
        mounted = line.split()[1]
        if mounted.startswith(f"{folder}/"):
            with suppress(TrialError):
                call("umount", "-l", mounted, seconds=60)
    call("rm", "-rf", "--one-file-system", folder, seconds=600)
