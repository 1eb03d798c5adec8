"""An evaluation as one self-contained HTML page. Texts come from outside: everything is escaped."""

import math
from collections.abc import Iterable, Mapping
from itertools import groupby
from pathlib import Path

from bearwatch.core.pages import templates
from training.errors import TrainingError
from training.evaluation.evaluate import Evaluation
from training.evaluation.intervals import RESAMPLES, Interval, ratio_interval
from training.evaluation.metrics import ReliabilityBin, most_confused_with
from training.evaluation.slices import SMALL, Slice


def write_report(path: Path, evaluation: Evaluation, about: Mapping[str, str]) -> None:
    """Write the page to `path`. `about`: what was evaluated on what, name -> value. Raises TrainingError."""
    try:
        # A file name may contain bytes that are not UTF-8.
        path.write_text(report(evaluation, about), "utf-8", errors="backslashreplace")
    except OSError as error:
        raise TrainingError(f"{path}: the report cannot be written: {error.strerror}") from error


def report(evaluation: Evaluation, about: Mapping[str, str]) -> str:
    """The page as HTML. `about`: what was evaluated on what, name -> value."""
    return _environment.get_template("evaluation.html").render(
        about=about,
        metrics=evaluation.metrics,
        intervals=evaluation.intervals,
        most_confused_with=most_confused_with(evaluation.metrics),
        labels=list(evaluation.metrics.per_class),
        shades=_shades(evaluation.metrics.confusion),
        bins=[(one, _interval(one)) for one in evaluation.reliability],
        fullest=max(one.n for one in evaluation.reliability),
        slices=[(by, list(group)) for by, group in groupby(evaluation.slices, lambda one: one.by)],
        axis_start=_axis_start(evaluation.slices),
        errors=evaluation.errors,
        resamples=RESAMPLES,
        small=SMALL,
    )


def _shades(confusion: list[list[int]]) -> list[list[float]]:
    """How dark each cell is, 0 to 1: the root of its ratio of the row, so that rare mistakes are visible as well."""
    return [[math.sqrt(count / max(1, sum(row))) for count in row] for row in confusion]


def _interval(one: ReliabilityBin) -> Interval | None:
    """The interval of the bin's accuracy; None for an empty bin."""
    return None if one.accuracy is None else ratio_interval(round(one.accuracy * one.n), one.n)


def _axis_start(slices: Iterable[Slice]) -> float:
    """Where the axis of the slices begins, a multiple of 0.1; wide intervals of small slices may be cut off there."""
    lows = [one.accuracy_interval.low for one in slices if not one.too_small]
    return math.floor(10 * min(lows, default=0)) / 10


_environment = templates(Path(__file__).parent / "templates")
