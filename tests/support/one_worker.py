"""One worker process as a test sees it: its exit code, its log, /healthz and /metrics."""

import json
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

from prometheus_client.parser import text_string_to_metric_families
from waiting import PATIENCE_SECONDS

from bearwatch.local.ports import HOST, free_port


class OneWorker:
    """`bearwatch worker` with a log of its own; leaving the `with` block ends it."""

    def __init__(
        self,
        folder: Path,
        broker: str,
        prefix: str,
        model: Path,
        *flags: str,
        policy: Path | None = None,
        environment: Mapping[str, str] | None = None,
        name: str = "worker",
        verbose: bool = False,
    ) -> None:
        self.port = free_port()
        self.log_file = folder / f"{name}.log"
        self._folder = folder
        self._environment = environment
        self._command = [
            *(sys.executable, "-m", "bearwatch", *(("-v",) if verbose else ()), "worker"),
            *("--broker", broker, "--prefix", prefix),
            *("--group", f"{prefix}group", "--model", str(model), "--metrics-port", str(self.port)),
            *("--session-timeout-seconds", "6", *flags),
            *(() if policy is None else ("--policy", str(policy))),
        ]
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> Self:
        with self.log_file.open("ab") as log:
            self.process = subprocess.Popen(
                self._command,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=self._environment,
                process_group=0,  # Ctrl-C is for whoever runs it
            )
        return self

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        if self.process is not None:
            self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        if self.process is not None:
            self.process.send_signal(number)

    def kill(self) -> None:
        self.signal(signal.SIGKILL)
        self.exit_code(PATIENCE_SECONDS)

    def exit_code(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for its end."""
        assert self.process is not None
        try:
            return self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            raise AssertionError(f"still runs after {seconds:.0f} s; its log:\n{self.log[-3000:]}") from None

    @property
    def log(self) -> str:
        return self.log_file.read_text(errors="replace")

    def get(self, path: str) -> str | None:
        """What the worker answers, whatever the status; None when it does not."""
        try:
            with urllib.request.urlopen(
                f"http://{HOST}:{self.port}{path}", timeout=PATIENCE_SECONDS
            ) as answer:
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            return error.read().decode()
        except OSError:
            return None

    def state(self) -> str | None:
        answer = self.get("/healthz")
        return None if answer is None else str(json.loads(answer)["state"])

    def samples(self) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
        """Every sample of /metrics by name and labels."""
        families = text_string_to_metric_families(self.get("/metrics") or "")
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }

    def metric(self, name: str, **labels: str) -> float | None:
        return self.samples().get((name, frozenset(labels.items())))

    def wait_until(self, what: str, condition: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> None:
        """Wait for a condition while the worker runs."""
        assert self.process is not None
        deadline = time.monotonic() + seconds
        while not condition():
            if (code := self.process.poll()) is not None:
                raise AssertionError(f"ended with {code} before {what}; its log:\n{self.log[-3000:]}")
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"not within {seconds:.0f} s: {what}; says {self.get('/healthz')}; log:\n{self.log[-3000:]}"
                )
            time.sleep(0.1)

    def wait_until_serving(self) -> None:
        self.wait_until("it serves", lambda: self.state() == "serving")
