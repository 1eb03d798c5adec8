"""Policies for tests."""

from pathlib import Path

MINUTE_POLICY = Path(__file__).with_name("minute_policy.toml")  # everything within minutes
