"""Programs that are not Python packages. Where one cannot be had, CI fails; elsewhere the test is skipped."""

import os
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import NoReturn

import pytest

from alerting.errors import AlertingError
from bearwatch.local.monitoring import Tool, tool

UNPACK = Path(__file__).parents[2] / "tools" / "debian_monitoring.py"


def external_tool(name: Tool) -> Path:
    """The path of Prometheus, promtool, Alertmanager or amtool; ends the test as `unavailable` does.

    Debian's packages are unpacked where it is not installed.
    """
    with suppress(AlertingError):
        return tool(name)
    done = subprocess.run([sys.executable, UNPACK], capture_output=True, text=True)
    if done.returncode:
        unavailable(done.stderr.strip())
    return tool(name)


def unavailable(reason: str, environ: Mapping[str, str] = os.environ) -> NoReturn:
    """End the test: it fails in CI (`CI` is set), which must have everything; elsewhere it is skipped."""
    if environ.get("CI"):
        pytest.fail(f"CI must be able to run this test: {reason}", pytrace=False)
    pytest.skip(reason)
