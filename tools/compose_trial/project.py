"""What the trial runs: a copy of what git tracks, so that it writes nothing into the checkout."""

import secrets
import shutil
import socket
from pathlib import Path
from typing import Any

import yaml

from tools.compose_trial.commands import TrialError, call

FILE = "docker-compose.yml"
MISSING = "grafana"  # whose image can be neither had nor replaced


def services(folder: Path) -> dict[str, Any]:
    """The compose file's services."""
    content: dict[str, Any] = yaml.safe_load((folder / FILE).read_text())
    found: dict[str, Any] = content["services"]
    return found


def require_free_ports(named: dict[str, Any]) -> None:
    """Raises TrialError when a port that the compose file publishes is in use."""
    for name, service in named.items():
        for published in service.get("ports", ()) if name != MISSING else ():
            host, port, _ = published.split(":")
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((host, int(port)))
                except OSError:
                    raise TrialError(f"{host}:{port}, where {name} is to answer, is in use") from None


def copy_project(root: Path, folder: Path) -> Path:
    """The tracked files as they are now, and the token that the compose file's comment asks for."""
    for name in call("git", "ls-files", "-z", folder=root, seconds=60).split("\0"):
        if name and (root / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, folder / name)
    (folder / "webhook-token").write_text(secrets.token_urlsafe(24))
    (folder / "webhook-token").chmod(0o644)
    return folder
