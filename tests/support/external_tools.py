"""Programs that are not Python packages. Where one cannot be had, CI fails; elsewhere the test is skipped."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import NoReturn

import pytest

from alerting.errors import AlertingError
from bearwatch.local.monitoring import Tool, tool


def external_tool(name: Tool) -> Path:
    """The path of Prometheus, promtool, Alertmanager or amtool; ends the test as `unavailable` does."""
    try:
        return tool(name)
    except AlertingError as error:
        unavailable(str(error))


def unavailable(reason: str, environ: Mapping[str, str] = os.environ) -> NoReturn:
    """End the test: it fails in CI (`CI` is set), which must have everything; elsewhere it is skipped."""
    if environ.get("CI"):
        pytest.fail(f"CI must be able to run this test: {reason}", pytrace=False)
    pytest.skip(reason)
