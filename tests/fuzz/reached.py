"""Which lines of the parsers the generated inputs reach; needs coverage.py."""

import ast
import inspect
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

from runner import run
from targets.target import Target


def lines_reached(targets: Sequence[Target], counts: Sequence[int], seed: int, least: float) -> int:
    """Print, for each parser, how many lines of its functions were reached; 1 if fewer than `least` of some parser."""
    try:
        import coverage
    except ImportError:
        print("coverage.py is not among the packages of this repository: .venv/bin/uv pip install coverage")
        return 2
    parsers = {named(each): each for target in targets for each in target.parsers}
    files = sorted({str(inspect.getsourcefile(each)) for each in parsers.values()})
    measured = coverage.Coverage(data_file=None, include=files, config_file=False)
    measured.start()
    for target, count in zip(targets, counts, strict=True):
        run(target, seed, range(count))
    measured.stop()
    analysed = {file: measured.analysis2(file) for file in files}
    low = 0
    for name, parser in sorted(parsers.items()):
        _, statements, _, missing, _ = analysed[str(inspect.getsourcefile(parser))]
        inside = set(body_lines(parser)) & set(statements)
        missed = sorted(inside & set(missing))
        ratio = 1 - len(missed) / max(1, len(inside))
        low |= ratio < least
        print(
            f"{ratio:>5.0%} of {len(inside):>4} lines  {name:<70} {'missed ' if missed else ''}{missed or ''}"
        )
    return int(low)


def named(parser: Any) -> str:
    if isinstance(parser, ModuleType):
        return parser.__name__
    return f"{parser.__module__}.{parser.__qualname__}"


def body_lines(parser: Any) -> Iterator[int]:
    """The lines inside of the functions of a module, a class or a function, without what runs when it is imported."""
    whole = isinstance(parser, ModuleType)
    first, length = (1, 10**9) if whole else _extent(parser)
    tree = ast.parse(Path(str(inspect.getsourcefile(parser))).read_text())
    for node in ast.walk(tree):
        if (
            isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
            and first <= node.lineno < first + length
        ):
            yield from range(node.body[0].lineno, (node.end_lineno or node.lineno) + 1)


def _extent(parser: Any) -> tuple[int, int]:
    lines, first = inspect.getsourcelines(parser)
    return first, len(lines)
