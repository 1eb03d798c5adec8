"""Prometheus and Alertmanager on this machine, with promtool and amtool: for `make stack` and the tests.

What is on the PATH is taken. Otherwise Debian's packages are downloaded with `apt-get download` and unpacked
with `dpkg -x`, which needs no root, into `$XDG_CACHE_HOME/bearwatch/monitoring`.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from alerting.errors import AlertingError
from bearwatch.core.cache import cache_folder

Tool = Literal["prometheus", "promtool", "alertmanager", "amtool"]
PACKAGES = {
    "prometheus": "prometheus",
    "promtool": "prometheus",
    "alertmanager": "prometheus-alertmanager",
    "amtool": "prometheus-alertmanager",
}
NAMES = {"alertmanager": ("alertmanager", "prometheus-alertmanager")}  # the second is Debian's
DOWNLOAD_SECONDS = 300

# Debian's Alertmanager looks for its templates under /usr/share and ends without them. The unpacked one looks
# in the folder it is started in (`home`): the same path, as long as before, without the leading slash.
TEMPLATES = b"/usr/share/prometheus/alertmanager"
TEMPLATES_HERE = b"usr/share/prometheus//alertmanager"


def tool(name: Tool, environ: Mapping[str, str] = os.environ) -> Path:
    """The program's path.

    Raises:
        AlertingError: it is neither on the PATH nor to be had from Debian's packages.
    """
    names = NAMES.get(name, (name,))
    for each in names:
        if found := shutil.which(each, path=environ.get("PATH")):
            return Path(found)
    unpacked = _unpacked(PACKAGES[name], environ) / "usr" / "bin"
    for each in names:
        if (unpacked / each).is_file():
            return unpacked / each
    raise AlertingError(f"Debian's package {PACKAGES[name]} has no {name}; put {name} on the PATH")


def home(program: Path) -> Path:
    """The folder in which to start a program that `tool` found: usr/bin/.. of where it lies."""
    return program.parents[2]


def _unpacked(package: str, environ: Mapping[str, str]) -> Path:
    folder = cache_folder(environ) / "monitoring" / f"{package}-1"
    if not folder.is_dir():
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent) as work:
            _unpack(package, Path(work))
            try:
                (Path(work) / "content").rename(folder)
            except OSError:
                if not folder.is_dir():  # else somebody else was quicker
                    raise
    return folder


def _unpack(package: str, work: Path) -> None:
    _call(package, work, "apt-get", "-q", "download", package)
    for archive in work.glob("*.deb"):
        _call(package, work, "dpkg", "-x", archive.name, "content")
    program = work / "content" / "usr" / "bin" / "prometheus-alertmanager"
    if program.exists():
        program.write_bytes(program.read_bytes().replace(TEMPLATES, TEMPLATES_HERE))


def _call(package: str, work: Path, *command: str) -> None:
    try:
        subprocess.run(  # noqa: S603 - the commands above
            command, cwd=work, check=True, capture_output=True, text=True, timeout=DOWNLOAD_SECONDS
        )
    except (OSError, subprocess.SubprocessError) as error:
        reason = (getattr(error, "stderr", None) or str(error)).strip().splitlines()[-1]
        raise AlertingError(
            f"{package} is neither on the PATH nor to be had with `{' '.join(command)}`: {reason}"
        ) from None
