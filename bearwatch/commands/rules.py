"""`bearwatch rules`: write the Prometheus rule files that belong to a policy."""

from pathlib import Path

import click

from alerting.detection.policy import load_policy
from alerting.errors import AlertingError
from alerting.monitoring.rules import Links, rule_files
from bearwatch.core.console import echo
from bearwatch.settings import settings

LINKS = Links()


@click.command
@settings("policy", "session_timeout_seconds")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default="the current folder",
    help="Folder of the rule files.",
)
@click.option("--dashboards-url", default=LINKS.dashboards, show_default=True, help="Grafana's dashboards.")
@click.option(
    "--runbooks-url",
    default=LINKS.runbooks,
    show_default=True,
    help="Runbooks, as `alerts serve` has them: the alert's name is appended.",
)
@click.option("--evidence-url", default=LINKS.evidence, show_default=True, help="Pages of `alerts serve`.")
def command(
    policy: Path | None,
    session_timeout_seconds: float,
    out: Path,
    dashboards_url: str,
    runbooks_url: str,
    evidence_url: str,
) -> None:
    """Write the Prometheus rule files that belong to a policy.

    Give the session timeout that the workers run with: an alert keeps firing for that long while its key moves to
    another worker.
    """
    links = Links(*(url.rstrip("/") for url in (dashboards_url, runbooks_url, evidence_url)))
    files = rule_files(load_policy(policy), session_timeout_seconds, links)
    try:
        out.mkdir(parents=True, exist_ok=True)
        for name, content in files.items():
            (out / name).write_text(content, encoding="utf-8")
    except OSError as error:
        raise AlertingError(f"--out {out}: it cannot be written: {error.strerror}") from None
    for name in files:
        echo(f"wrote {out / name}")
