"""Workers as their supervisor runs them, and what a test does to them: killed, frozen, started again."""

import signal
import subprocess
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Self

from exactness import write_watch_list

from bearwatch.local.ports import free_port


@dataclass
class Worker:
    """One place in the fleet; when its process ends, another one takes it."""

    arguments: list[str]
    log: Path
    ready_to_restart: bool = True
    process: subprocess.Popen[bytes] | None = None
    frozen_until: float = 0.0
    exits: list[int] = field(default_factory=list)

    def start(self) -> None:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(self.arguments, stdout=log, stderr=log)
        self.frozen_until = 0.0

    def supervise(self) -> None:
        if self.process is not None and (code := self.process.poll()) is not None:
            self.exits.append(code)
            self.process = None
            if self.ready_to_restart:
                self.start()
        elif self.process is not None and 0 < self.frozen_until < time.monotonic():
            self.frozen_until = 0.0
            self.process.send_signal(signal.SIGCONT)

    def kill(self) -> None:
        if self.process is not None:
            self.process.kill()

    def freeze(self, seconds: float) -> None:
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)
            self.frozen_until = time.monotonic() + seconds


class Fleet:
    """Some workers of one group, supervised by a thread; leaving the `with` block ends them.

    They watch the companies that the documents of `exactness` name.
    """

    def __init__(self, size: int, broker: str, prefix: str, model: Path, policy: Path, log_dir: Path) -> None:
        watch_list = write_watch_list(log_dir / "companies.csv")
        self.workers = [
            Worker(
                arguments=[
                    *(sys.executable, "-m", "bearwatch", "worker"),
                    *("--broker", broker, "--prefix", prefix, "--group", f"{prefix}group"),
                    *("--model", str(model), "--policy", str(policy), "--session-timeout-seconds", "6"),
                    *("--metrics-port", str(free_port()), "--broker-timeout-seconds", "40"),
                    *("--watch-list", str(watch_list)),
                ],
                log=log_dir / f"worker-{number}.log",
            )
            for number in range(size)
        ]
        self._ended = threading.Event()
        self._supervisor = threading.Thread(target=self._supervise, daemon=True)

    def _supervise(self) -> None:
        while not self._ended.wait(0.1):
            for worker in self.workers:
                worker.supervise()

    def __enter__(self) -> Self:
        for worker in self.workers:
            worker.start()
        self._supervisor.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._ended.set()
        self._supervisor.join()
        for process in (worker.process for worker in self.workers if worker.process is not None):
            process.send_signal(signal.SIGCONT)
            process.terminate()
        for process in (worker.process for worker in self.workers if worker.process is not None):
            with suppress(subprocess.TimeoutExpired):
                process.wait(15)
                continue
            process.kill()
            process.wait()
