"""What the commands of the README and the Makefile leave in a clone is not offered to git."""

import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LEFT = [
    ".bearwatch/up.log",
    ".stack/prometheus/data/wal",
    "runs/1/model.pt",
    "model/model.onnx",
    "rules/alerts.yml",
    "notifications.jsonl",
    "webhook-token",
    "webhook-token.txt",
    "dist/bearwatch.whl",
]


@pytest.mark.parametrize("path", LEFT)
def test_it_is_ignored(path: str):
    assert subprocess.run(["git", "check-ignore", "-q", path], cwd=ROOT).returncode == 0


def test_nothing_that_is_tracked_is_ignored():
    command = ["git", "ls-files", "--cached", "--ignored", "--exclude-standard"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout == ""
