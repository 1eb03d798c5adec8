"""An evaluation as tables in a terminal. Texts come from outside: control characters are removed."""

from rich.table import Table

from bearwatch.core.printable import printable
from training.evaluation.evaluate import Evaluation, WrongAnswer
from training.evaluation.intervals import Interval
from training.evaluation.metrics import Metrics, most_confused_with
from training.evaluation.slices import SMALL, Slice


def tables(evaluation: Evaluation) -> list[Table | str]:
    """Tables and lines to print in this order, without markup; the figures of the whole set come last."""
    parts: list[Table | str] = [_classes(evaluation.metrics), _slices(evaluation.slices)]
    if any(one.too_small for one in evaluation.slices):
        parts.append(f"* fewer than {SMALL} rows: the figures are uncertain")
    if evaluation.errors:
        parts.append(_errors(evaluation.errors))
    return [*parts, *_total(evaluation)]


def _total(evaluation: Evaluation) -> list[str]:
    m, intervals = evaluation.metrics, evaluation.intervals
    return [
        f"accuracy {m.accuracy:.4f} {_range(intervals['accuracy'])}   "
        f"macro-F1 {m.macro_f1:.4f} {_range(intervals['macro_f1'])}",
        f"calibration error {m.ece:.4f} {_range(intervals['ece'])}   Brier score {m.brier:.4f}",
        f"weighted F1 {m.weighted_f1:.4f}   n {m.n}   [95 % intervals]",
    ]


def _range(interval: Interval) -> str:
    return f"[{interval.low:.3f}, {interval.high:.3f}]"


def _table(*columns: str) -> Table:
    """An empty table in which only names and texts may wrap."""
    table = Table()
    for column in columns:
        words = column in (
            "label",
            "most often confused with",
            "rows by",
            "value",
            "predicted",
            "truth",
            "text",
        )
        table.add_column(column, no_wrap=not words, overflow="fold")
    return table


def _classes(metrics: Metrics) -> Table:
    table = _table("label", "precision", "recall", "F1", "n", "most often confused with")
    confusions = most_confused_with(metrics)
    for label, m in metrics.per_class.items():
        other = confusions[label]
        confused = f"{printable(other[0])} ({other[1]})" if other else ""
        table.add_row(
            printable(label), *(f"{x:.3f}" for x in (m.precision, m.recall, m.f1)), str(m.support), confused
        )
    return table


def _slices(slices: tuple[Slice, ...]) -> Table:
    table = _table("rows by", "value", "n", "accuracy", "95 %", "macro-F1", "ECE")
    before = None
    for one in slices:
        table.add_row(
            printable(one.by) if one.by != before else "",
            printable(one.value),
            f"{one.n}{' *' if one.too_small else ''}",
            f"{one.accuracy:.3f}",
            _range(one.accuracy_interval),
            f"{one.macro_f1:.3f}",
            f"{one.ece:.3f}",
        )
        before = one.by
    return table


def _errors(errors: tuple[WrongAnswer, ...]) -> Table:
    table = _table("p", "predicted", "truth", "row", "text")
    for error in errors:
        table.add_row(
            f"{error.probability:.3f}",
            printable(error.predicted),
            printable(error.truth),
            str(error.row),
            printable(error.text),
        )
    return table
