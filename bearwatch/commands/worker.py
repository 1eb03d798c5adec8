"""`bearwatch worker`: one production worker; start more to scale."""

from pathlib import Path
from typing import Any

import click

from alerting.detection.policy import load_policy
from bearwatch.settings import WORKER_SETTINGS, settings
from stream.settings import WorkerSettings
from stream.worker.run import run_worker


@click.command
@settings("broker", *WORKER_SETTINGS)
@click.pass_context
def command(ctx: click.Context, /, policy: Path | None, **worker: Any) -> None:
    """Classify documents, keep the rates, raise alerts, until SIGTERM.

    Workers of one group share the partitions. A worker that cannot continue (fenced, no broker, stuck) prints the
    reason and exits with 1: run it under a supervisor that starts it again; no count is lost or made twice.
    """
    ctx.exit(run_worker(WorkerSettings(**worker), load_policy(policy)))
