"""A worker as a supervised child process."""

from dataclasses import fields
from pathlib import Path

from bearwatch.local.processes import Process, bearwatch_command
from bearwatch.settings import connection_flags
from stream.settings import WorkerSettings

MAX_RESTARTS = 2  # a worker that exits again after that cannot start


def worker_process(
    settings: WorkerSettings, policy: Path | None, log_file: Path, name: str = "worker"
) -> Process:
    """`bearwatch worker`, started again when it exits, as a production supervisor does; not started yet."""
    command = bearwatch_command("worker", *worker_flags(settings, policy))
    return Process(name, command, log_file, max_restarts=MAX_RESTARTS)


def worker_flags(settings: WorkerSettings, policy: Path | None) -> list[str]:
    """The command line of a worker with these settings: each field of the type is a flag, so none is forgotten."""
    values = {each.name: getattr(settings, each.name) for each in fields(settings)} | {"policy": policy}
    connection = connection_flags(values.pop("connection"))
    flags = {name.replace("_", "-"): value for name, value in values.items() if value is not None}
    return [*connection, *(part for name, value in flags.items() for part in (f"--{name}", str(value)))]
