"""Prometheus and Alertmanager out of Debian's packages, without root: for `make stack` and the tests.

    python tools/debian_monitoring.py

Downloads the packages with `apt-get`, unpacks them with `dpkg -x` in `$XDG_CACHE_HOME/bearwatch/monitoring`
and puts prometheus, promtool, alertmanager and amtool into its folder `bin`, where `bearwatch.local.monitoring` looks.
Does nothing where all four are there or on the PATH.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import get_args

from alerting.errors import AlertingError
from bearwatch.local.monitoring import Tool, tool, unpacked_programs

PACKAGES = {
    "prometheus": {"prometheus": "prometheus", "promtool": "promtool"},
    "prometheus-alertmanager": {"alertmanager": "prometheus-alertmanager", "amtool": "amtool"},
}  # package -> our name -> the name in its usr/bin
DOWNLOAD_SECONDS = 300

# Debian's Alertmanager looks for its templates under /usr/share and exits without them. The unpacked one looks in the
# folder in which it is started: the same path, as long as before, without the leading slash.
TEMPLATES = b"/usr/share/prometheus/alertmanager"
TEMPLATES_HERE = b"usr/share/prometheus//alertmanager"
START_THERE = '#!/bin/sh\ncd "{folder}" && exec usr/bin/{name} "$@"\n'


def available(environ: Mapping[str, str]) -> bool:
    """Whether every program is on the PATH or unpacked."""
    try:
        for name in get_args(Tool):
            tool(name, environ)
    except AlertingError:
        return False
    return True


def unpack(environ: Mapping[str, str]) -> None:
    """Download and unpack every package.

    Raises:
        AlertingError: a package cannot be downloaded or unpacked.
    """
    links = unpacked_programs(environ)
    links.mkdir(parents=True, exist_ok=True)
    for package, programs in PACKAGES.items():
        folder = links.parent / f"{package}-1"
        if not folder.is_dir():
            _unpack(package, folder)
        for ours, theirs in programs.items():
            _link(links / ours, folder, theirs)


def _unpack(package: str, folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as work:
        # Lists of its own: those of the machine may be missing, as in an image, or only root may write them.
        lists, cache = Path(work, "lists"), Path(work, "cache")
        for each in (lists / "partial", cache / "archives" / "partial"):
            each.mkdir(parents=True)
        places = (
            "-o",
            f"Dir::State::Lists={lists}",
            "-o",
            f"Dir::Cache={cache}",
            "-o",
            "APT::Sandbox::User=root",
        )
        _call(package, work, "apt-get update", "apt-get", "-q", *places, "update")
        _call(package, work, "apt-get download", "apt-get", "-q", *places, "download", package)
        for archive in Path(work).glob("*.deb"):
            _call(package, work, "dpkg", "dpkg", "-x", archive.name, "content")
        alertmanager = Path(work, "content", "usr", "bin", "prometheus-alertmanager")
        if alertmanager.exists():
            alertmanager.write_bytes(alertmanager.read_bytes().replace(TEMPLATES, TEMPLATES_HERE))
        try:
            Path(work, "content").rename(folder)
        except OSError:
            if not folder.is_dir():  # else another process was quicker
                raise


def _link(link: Path, folder: Path, name: str) -> None:
    unfinished = link.with_name(f"{link.name}.{os.getpid()}")
    if name == "prometheus-alertmanager":
        unfinished.write_text(START_THERE.format(folder=folder, name=name))
        unfinished.chmod(0o755)
    else:
        unfinished.symlink_to(folder / "usr" / "bin" / name)
    unfinished.replace(link)


def _call(package: str, work: str, what: str, *command: str) -> None:
    try:
        subprocess.run(  # noqa: S603 - the commands above
            command, cwd=work, check=True, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise AlertingError(
            f"Debian's package {package} cannot be unpacked: `{what}` failed ({reason}); "
            "put prometheus, promtool, alertmanager and amtool on the PATH"
        ) from None


if __name__ == "__main__":
    if not available(os.environ):
        try:
            unpack(os.environ)
        except AlertingError as error:
            sys.exit(f"error: {error}")
