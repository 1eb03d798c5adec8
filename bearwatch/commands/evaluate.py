"""`bearwatch evaluate --data FILE --task HEAD --text COLUMN --label COLUMN`: a model against labelled data."""

from dataclasses import asdict
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.table import Table

from bearwatch.settings import settings
from models.classifier import Classifier
from training.config import LabelledSet
from training.evaluate import evaluate, numbering
from training.metrics import Metrics

FILE = click.Path(path_type=Path)


@click.command("evaluate")
@settings("model", "engine")
@click.option("--data", type=FILE, required=True, help="CSV, JSON lines or parquet, by its ending.")
@click.option("--task", required=True, help="The head to measure: sentiment, topic.")
@click.option("--text", "text_column", required=True, help="Column of the texts.")
@click.option("--label", "label_column", required=True, help="Column of the labels, names or numbers.")
@click.option("--labels", help="What the numbers 0, 1, ... mean, separated by commas [as in training].")
@click.option("--exclude", type=FILE, help="File of zero-based data rows to leave out, one a line.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of a table.")
def command(
    model: Path,
    engine: str,
    data: Path,
    task: str,
    text_column: str,
    label_column: str,
    labels: str | None,
    exclude: Path | None,
    as_json: bool,
) -> None:
    """Measure a model on labelled data.

    A label is a name or a number. Numbers mean what they meant in the data the model was trained on; the
    bundled model was trained on Twitter Financial News Sentiment (0 bearish, 1 bullish, 2 neutral) and
    Topic (0 to 19, in the order of the topics).
    """
    labelled = LabelledSet(
        name=data.name,
        path=str(data.absolute()),
        head=task,
        text=text_column,
        label=label_column,
        labels=numbering(labels) if labels else {},
        exclude=str(exclude.absolute()) if exclude else None,
    )
    metrics = evaluate(Classifier.load(model, engine), labelled, Path())
    if as_json:
        click.echo(msgspec.json.encode(asdict(metrics)))
    else:
        Console().print(*_tables(metrics), sep="\n")


def _tables(metrics: Metrics) -> list[Table | str]:
    total = (
        f"accuracy {metrics.accuracy:.4f}   macro-F1 {metrics.macro_f1:.4f}   "
        f"weighted F1 {metrics.weighted_f1:.4f}   calibration error {metrics.ece:.4f}   n {metrics.n}"
    )
    classes = Table("label", "precision", "recall", "F1", "n", "most often taken for")
    for (label, m), row in zip(metrics.per_class.items(), metrics.confusion, strict=True):
        mistakes = {
            other: count for other, count in zip(metrics.per_class, row, strict=True) if other != label
        }
        worst = max(mistakes, key=lambda other: mistakes[other])
        taken = f"{worst} ({mistakes[worst]})" if mistakes[worst] else ""
        classes.add_row(label, *(f"{x:.3f}" for x in (m.precision, m.recall, m.f1)), str(m.support), taken)
    return [classes, total]
