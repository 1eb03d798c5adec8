"""Results of cells of a comparison, made up for tests."""

import msgspec

from training.comparison.cells import BERT, VARIANTS, Cell, CellMetrics, Result
from training.evaluation.intervals import Interval


def result(method: str, percent: float, right: str) -> Result:
    """The result of a cell for the head sentiment, whose accuracy follows from `right`, "0110..."."""
    accuracy = right.count("1") / len(right)
    variants = dict.fromkeys(VARIANTS, accuracy) | {"typing 10 %": accuracy / 2}
    interval = Interval(accuracy, accuracy)
    metrics = CellMetrics(accuracy, interval, accuracy, interval, None, {"check": accuracy}, variants, 50.0)
    if method != BERT:
        metrics = msgspec.structs.replace(metrics, documents_per_second=500.0)
    cell = Cell(method, percent, None if method == BERT else "sentiment")
    return Result(cell, {"sentiment": metrics}, "", percent, 1, 1, {"sentiment": right})
