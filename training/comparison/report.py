"""A comparison as `compare.json` and as one HTML page that needs nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from training.comparison.cells import BERT, CLEAN, SIMPLE, TYPING_5, TYPING_10, VARIANTS, Figures, Result
from training.comparison.compare import Comparison
from training.comparison.plots import HEIGHT, WIDTH, Plot, Point, plot
from training.comparison.sentences import sentences
from training.errors import TrainingError
from training.evaluation.intervals import RESAMPLES
from training.pages import templates

METHODS = (*SIMPLE, BERT)
NOISE = {CLEAN: 0.0, TYPING_5: 5.0, TYPING_10: 10.0}  # per cent of the characters


def write_report(out: Path, found: Comparison) -> None:
    """Both files, into the folder. Raises TrainingError."""
    for name, content in (("compare.json", figures(found)), ("report.html", report(found).encode())):
        try:
            (out / name).write_bytes(content)
        except OSError as error:
            raise TrainingError(f"{out / name}: cannot be written: {error.strerror}") from error


def summary(found: Comparison) -> Iterator[str]:
    """The answers as lines of text."""
    for answer in found.answers:
        yield f"{answer.head}:"
        yield from (f"  {sentence}" for sentence in sentences(answer))


def figures(found: Comparison) -> bytes:
    """JSON of everything but which single texts were right."""
    table: dict[str, Any] = msgspec.to_builtins(found)
    for cell in table["cells"]:
        del cell["right"]
    return msgspec.json.format(msgspec.json.encode(table)) + b"\n"


def report(found: Comparison) -> str:
    """The page."""
    heads = {answer.head: answer for answer in found.answers}
    return _environment.get_template("report.html").render(
        about=found.about,
        methods=METHODS,
        variants=VARIANTS,
        resamples=RESAMPLES,
        width=WIDTH,
        height=HEIGHT,
        sentences={head: sentences(answer) for head, answer in heads.items()},
        splits={head: {each.share: each for each in found.splits if each.head == head} for head in heads},
        cells={head: _by_share(found, head) for head in heads},
        plots={head: _plots(found, head) for head in heads},
    )


def _by_share(found: Comparison, head: str) -> dict[float, list[Result]]:
    """The cells of a head, the methods in their order."""
    shares = sorted({cell.cell.share for cell in found.cells})
    of_head = sorted(
        (each for each in found.cells if head in each.figures),
        key=lambda each: METHODS.index(each.cell.method),
    )
    return {share: [each for each in of_head if each.cell.share == share] for share in shares}


def _plots(found: Comparison, head: str) -> list[Plot]:
    labels = {each.share: each.labels for each in found.splits if each.head == head}
    by_share = _by_share(found, head)
    last = max(by_share)
    marks = {float(n): f"{n:,}" for n in labels.values()}
    lines = {
        method: [
            (labels[share], each.figures[head])
            for share, cells in by_share.items()
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
    noise = {each.cell.method: _noise(each.figures[head]) for each in by_share[last]}
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


def _noise(found: Figures) -> list[Point]:
    return [(x, found.variants[name], None) for name, x in NOISE.items()]


_environment = templates(Path(__file__).parent / "templates")
