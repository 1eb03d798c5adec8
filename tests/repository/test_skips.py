"""No test is skipped silently: what is missing is an error in CI, and a skip with its reason elsewhere."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from external_tools import external_tool, unavailable

TESTS = Path(__file__).parents[1]
SKIPS = {"skip", "skipif", "importorskip", "skipTest"}
# The reason lies in the machine and not in what is installed: a GPU that works shows no fault of a missing one.
ALLOWED = {
    ("support/external_tools.py", "skip"),
    ("repository/test_skips.py", "skip"),  # pytest.skip.Exception
    ("bearwatch/local/test_processes.py", "skipif"),  # a system that does not say when a process started
    ("models/test_engines.py", "skipif"),
    ("repository/test_nothing_calls_home.py", "skipif"),  # a kernel that permits no network of one's own
    ("training/export/test_artifact.py", "skipif"),
}


def skips() -> Iterator[tuple[str, str]]:
    for path in TESTS.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and node.attr in SKIPS:
                yield path.relative_to(TESTS).as_posix(), node.attr


def test_only_the_helper_skips_for_what_is_missing():
    assert set(skips()) == ALLOWED, "use external_tools.unavailable"


def test_what_is_missing_is_an_error_in_ci():
    with pytest.raises(pytest.fail.Exception, match="CI must be able to run this test: no network"):
        unavailable("no network", {"CI": "true"})


def test_elsewhere_it_is_a_skip_with_the_reason():
    with pytest.raises(pytest.skip.Exception, match="no network"):
        unavailable("no network", {})


def test_a_program_that_cannot_be_had_is_an_error_in_ci(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Neither on the PATH nor among Debian's packages."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="Debian's package prometheus cannot be unpacked"):
        external_tool("promtool")
