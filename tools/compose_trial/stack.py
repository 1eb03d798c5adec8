"""The services of the compose file while they run."""

import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.compose_trial.commands import TrialError
from tools.compose_trial.engine import Docker

PROFILE = ("--profile", "sample")
INSIDE = Path(__file__).with_name("inside.py")


@dataclass(frozen=True)
class Container:
    """One row of `docker inspect`, as far as the trial asks for it."""

    name: str
    service: str
    running: bool
    health: str | None  # none where the compose file has no health check
    exit_code: int
    pid: int
    address: str
    restarts: int
    out_of_memory: bool


@dataclass(frozen=True)
class Stack:
    docker: Docker
    project: Path  # holds docker-compose.yml and what that mounts

    def compose(self, *arguments: str, seconds: float = 120, stdin: bytes = b"") -> str:
        return self.docker("compose", *PROFILE, *arguments, folder=self.project, seconds=seconds, stdin=stdin)

    def containers(self) -> list[Container]:
        ids = self.compose("ps", "--all", "--quiet").split()
        return [_container(each) for each in json.loads(self.docker("inspect", *ids))] if ids else []

    def of(self, service: str) -> list[Container]:
        found = [each for each in self.containers() if each.service == service]
        return sorted(found, key=lambda each: each.name)

    def not_ready(self) -> str:
        """What is not as it must be while everything works; empty when all is."""
        return not_ready(self.containers())

    def read_topics(self) -> dict[str, Any]:
        """What `inside.py` prints."""
        text = self.compose("exec", "-T", "evidence", "python", "-", stdin=INSIDE.read_bytes())
        read: dict[str, Any] = json.loads(text)
        return read

    def write_logs(self, file: Path) -> None:
        """All containers' output, each line with its container's name."""
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(self.compose("logs", "--no-color", "--timestamps"))

    def notifications(self) -> list[dict[str, Any]]:
        """The lines of the webhook's file."""
        text = self.compose("exec", "-T", "webhook", "cat", "/data/notifications.jsonl")
        return [json.loads(line) for line in text.splitlines()]


def not_ready(containers: Iterable[Container]) -> str:
    """Every service runs and is healthy, where it has a check; `topics` has ended without an error."""
    return ", ".join(
        f"{each.name} {each.health or 'runs' if each.running else f'has exit code {each.exit_code}'}"
        for each in containers
        if each.running == (each.service == "topics")
        or (each.service == "topics" and each.exit_code != 0)
        or (each.running and each.health not in (None, "healthy"))
    )


def _container(row: dict[str, Any]) -> Container:
    state = row["State"]
    return Container(
        name=row["Name"].lstrip("/"),
        service=row["Config"]["Labels"]["com.docker.compose.service"],
        running=state["Running"],
        health=state["Health"]["Status"] if "Health" in state else None,
        exit_code=state["ExitCode"],
        pid=state["Pid"],
        address=next(iter(row["NetworkSettings"]["Networks"].values()))["IPAddress"],
        restarts=row["RestartCount"],
        out_of_memory=state["OOMKilled"],
    )


def wait_until(missing: Callable[[], str], seconds: float) -> None:
    """Ask every two seconds until nothing is missing.

    Raises:
        TrialError: with what is still missing after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while said := missing():
        if time.monotonic() > deadline:
            raise TrialError(f"after {seconds:.0f} s: {said}")
        time.sleep(2)
