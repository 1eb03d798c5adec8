"""A comparison as `compare.json` and as one self-contained HTML page."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from bearwatch.core.pages import templates
from training.comparison.cells import BERT, CLEAN, SIMPLE, TYPING_5, TYPING_10, VARIANTS, CellMetrics, Result
from training.comparison.compare import Comparison
from training.comparison.plots import HEIGHT, WIDTH, Plot, Point, plot
from training.comparison.sentences import sentences
from training.errors import TrainingError
from training.evaluation.intervals import RESAMPLES

METHODS = (*SIMPLE, BERT)
NOISE = {CLEAN: 0.0, TYPING_5: 5.0, TYPING_10: 10.0}  # per cent of the characters


def write_report(out: Path, comparison: Comparison) -> None:
    """Write `compare.json` and `report.html` into the folder `out`. Raises TrainingError."""
    for name, content in (
        ("compare.json", as_json(comparison)),
        ("report.html", report(comparison).encode()),
    ):
        try:
            (out / name).write_bytes(content)
        except OSError as error:
            raise TrainingError(f"{out / name}: cannot be written: {error.strerror}") from error


def summary(comparison: Comparison) -> Iterator[str]:
    """The answers as lines of text, for a terminal."""
    for answer in comparison.answers:
        yield f"{answer.head}:"
        yield from (f"  {sentence}" for sentence in sentences(answer))


def as_json(comparison: Comparison) -> bytes:
    """The comparison as JSON, without the results of single texts."""
    table: dict[str, Any] = msgspec.to_builtins(comparison)
    for cell in table["cells"]:
        del cell["right"]
    return msgspec.json.format(msgspec.json.encode(table)) + b"\n"


def report(comparison: Comparison) -> str:
    """The page as HTML."""
    heads = {answer.head: answer for answer in comparison.answers}
    return _environment.get_template("report.html").render(
        about=comparison.about,
        methods=METHODS,
        variants=VARIANTS,
        resamples=RESAMPLES,
        width=WIDTH,
        height=HEIGHT,
        sentences={head: sentences(answer) for head, answer in heads.items()},
        splits={
            head: {each.label_percent: each for each in comparison.splits if each.head == head}
            for head in heads
        },
        cells={head: _by_percent(comparison, head) for head in heads},
        plots={head: _plots(comparison, head) for head in heads},
    )


def _by_percent(comparison: Comparison, head: str) -> dict[float, list[Result]]:
    """Percentage of the labels -> the results of a head, in the order of METHODS."""
    percents = sorted({cell.cell.label_percent for cell in comparison.cells})
    of_head = sorted(
        (each for each in comparison.cells if head in each.metrics),
        key=lambda each: METHODS.index(each.cell.method),
    )
    return {percent: [each for each in of_head if each.cell.label_percent == percent] for percent in percents}


def _plots(comparison: Comparison, head: str) -> list[Plot]:
    labels = {each.label_percent: each.labels for each in comparison.splits if each.head == head}
    by_percent = _by_percent(comparison, head)
    last = max(by_percent)
    marks = {float(n): f"{n:,}" for n in labels.values()}
    lines = {
        method: [
            (labels[percent], each.metrics[head])
            for percent, cells in by_percent.items()
            for each in cells
            if each.cell.method == method
        ]
        for method in METHODS
    }
    accuracy: dict[str, list[Point]] = {
        method: [(n, f.accuracy, f.accuracy_interval) for n, f in points] for method, points in lines.items()
    }
    macro_f1: dict[str, list[Point]] = {
        method: [(n, f.macro_f1, f.macro_f1_interval) for n, f in points] for method, points in lines.items()
    }
    noise = {each.cell.method: _noise(each.metrics[head]) for each in by_percent[last]}
    mistyped = {x: f"{x:g} %" for x in NOISE.values()}
    return [
        plot("Accuracy by number of labels", "labels", marks, accuracy, logarithmic=True),
        plot("Macro-F1 by number of labels", "labels", marks, macro_f1, logarithmic=True),
        plot(
            f"Accuracy under typing mistakes ({last:g} %)",
            "characters mistyped",
            mistyped,
            noise,
            logarithmic=False,
        ),
    ]


def _noise(figures: CellMetrics) -> list[Point]:
    return [(x, figures.variants[name], None) for name, x in NOISE.items()]


_environment = templates(Path(__file__).parent / "templates")
