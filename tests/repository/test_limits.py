"""No test depends on a quiet machine: whatever waits for something else has a limit that load does not reach."""

import ast
from collections.abc import Iterator
from pathlib import Path

TESTS = Path(__file__).parents[1]
SHORTEST_SECONDS = 60.0


def short_limits(path: Path) -> Iterator[str]:
    """Calls with `timeout=`, and `asyncio.timeout(...)`, whose limit is a short constant."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        limits = [each.value for each in node.keywords if each.arg == "timeout"]
        if ast.unparse(node.func) == "asyncio.timeout":
            limits += node.args
        for limit in limits:
            seconds = limit.value if isinstance(limit, ast.Constant) else None
            if isinstance(seconds, int | float) and seconds < SHORTEST_SECONDS:
                yield f"{path.relative_to(TESTS)}:{node.lineno}: {seconds} s"


def test_nothing_is_given_up_after_seconds():
    found = [each for path in sorted(TESTS.rglob("*.py")) for each in short_limits(path)]
    assert found == [], "use waiting.PATIENCE_SECONDS"


def test_a_short_limit_is_found(tmp_path: Path, monkeypatch):
    monkeypatch.setattr(f"{__name__}.TESTS", tmp_path)
    (tmp_path / "test_it.py").write_text("run(command, timeout=5)\nasyncio.timeout(2.5)\nrun(timeout=90)\n")
    assert list(short_limits(tmp_path / "test_it.py")) == ["test_it.py:1: 5 s", "test_it.py:2: 2.5 s"]
