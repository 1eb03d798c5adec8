"""Where Prometheus and Alertmanager, with promtool and amtool, are on this machine. Nothing is downloaded here."""

import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from alerting.errors import AlertingError
from bearwatch.core.cache import cache_folder

Tool = Literal["prometheus", "promtool", "alertmanager", "amtool"]
NAMES = {"alertmanager": ("alertmanager", "prometheus-alertmanager")}  # the second is Debian's


def unpacked_programs(environ: Mapping[str, str]) -> Path:
    """The folder of programs that the repository's `tools/debian_monitoring.py` has unpacked for this user."""
    return cache_folder(environ) / "monitoring" / "bin"


def tool(name: Tool, environ: Mapping[str, str] = os.environ) -> Path:
    """The program's path: from the PATH, else as unpacked by `tools/debian_monitoring.py`.

    Raises:
        AlertingError: it is in neither place.
    """
    for each in NAMES.get(name, (name,)):
        if found := shutil.which(each, path=environ.get("PATH")):
            return Path(found)
    unpacked = unpacked_programs(environ) / name
    if os.access(unpacked, os.X_OK):
        return unpacked
    raise AlertingError(
        f"{name} is not installed: it is neither on the PATH nor in {unpacked.parent}. Install Prometheus and "
        "Alertmanager (Debian: prometheus and prometheus-alertmanager), or in a clone of the repository run "
        "`make monitoring`, which needs no root"
    )
