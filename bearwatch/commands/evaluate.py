"""`bearwatch evaluate --data FILE --task HEAD --text COLUMN --label COLUMN`: evaluates a model on labelled data."""

from pathlib import Path
from typing import Literal

import click
import msgspec

from bearwatch.core.console import PlainConsole, echo
from bearwatch.core.printable import printable_json
from bearwatch.settings import settings
from bearwatch.terminal.evaluation_text import tables
from models.classifier import Classifier
from training.config import LabelledSet
from training.config_checks import check_row_selection
from training.data.label_mapping import parse_label_mapping
from training.evaluation.evaluate import MAX_ERRORS, SEED, evaluate
from training.evaluation.report import write_report

FILE = click.Path(path_type=Path)


@click.command("evaluate")
@settings("model", "engine")
@click.option("--data", type=FILE, required=True, help="CSV, JSON lines or parquet, by its ending.")
@click.option(
    "--format",
    type=click.Choice(["csv", "jsonl", "parquet"]),
    help="Format of the file, whatever its ending.",
)
@click.option("--separator", default=",", show_default=True, help="Separator of the columns of a CSV file.")
@click.option("--task", required=True, help="The head to evaluate, such as sentiment.")
@click.option("--text", "text_column", required=True, help="Column of the texts.")
@click.option("--label", "label_column", required=True, help="Column of the labels, names or numbers.")
@click.option(
    "--label-mapping",
    help="The labels of the numbers 0, 1, ..., separated by commas, or the labels of the file's raw labels, such as "
    "'Lost card=card_lost,Charges=fee_complaint'; a part with a comma stands in quotes [as in training].",
)
@click.option(
    "--label-pattern",
    help="Regular expression whose group finds raw labels in the column; rows whose labels disagree are left out.",
)
@click.option("--skip-unlabelled", is_flag=True, help="Leave out rows without a label.")
@click.option(
    "--hash-range",
    type=(float, float),
    default=(0.0, 1.0),
    metavar="FROM TO",
    help="Only texts whose hash falls into [FROM, TO) of [0, 1), as `hash_range` in a configuration.",
)
@click.option("--exclude", type=FILE, help="File of zero-based data rows to leave out, one per line.")
@click.option("--by", multiple=True, metavar="COLUMN", help="Slice by this column as well; may be repeated.")
@click.option(
    "--errors",
    type=click.IntRange(min=0),
    default=MAX_ERRORS,
    show_default=True,
    help="How many of the wrong answers to show, the most confident first.",
)
@click.option(
    "--seed", type=click.IntRange(min=0), default=SEED, show_default=True, help="Seed of the bootstrap."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.option("--report", type=FILE, help="Also write a self-contained HTML page.")
def command(
    model: Path,
    engine: str,
    data: Path,
    format: Literal["csv", "jsonl", "parquet"] | None,
    separator: str,
    task: str,
    text_column: str,
    label_column: str,
    label_mapping: str | None,
    label_pattern: str | None,
    skip_unlabelled: bool,
    hash_range: tuple[float, float],
    exclude: Path | None,
    by: tuple[str, ...],
    errors: int,
    seed: int,
    as_json: bool,
    report: Path | None,
) -> None:
    """Evaluate a model on labelled data.

    A label is a name or a number. Numbers have the same meaning as in the data the model was trained on; the
    bundled model was trained on Twitter Financial News Sentiment (0 bearish, 1 bullish, 2 neutral) and
    Topic (0 to 19, in the order of the topics).
    """
    labelled = LabelledSet(
        name=data.name,
        path=str(data.absolute()),
        head=task,
        text=text_column,
        label=label_column,
        format=format,
        separator=separator,
        label_mapping=parse_label_mapping(label_mapping) if label_mapping else {},
        label_pattern=label_pattern,
        skip_unlabelled=skip_unlabelled,
        hash_range=hash_range,
        exclude=str(exclude.absolute()) if exclude else None,
    )
    check_row_selection("--hash-range, --label-pattern", labelled)
    classifier = Classifier.load(model, engine)
    evaluation = evaluate(classifier, labelled, Path(), by=by, max_errors=errors, seed=seed)
    if as_json:
        echo(printable_json(msgspec.json.encode(evaluation.as_table())))
    else:
        PlainConsole().print(*tables(evaluation), sep="\n")
    if report is not None:
        about = {
            "data": data.name,
            "head": task,
            "model": f"{classifier.manifest.name} {classifier.model_hash}",
            "engine": classifier.engine_name,
        }
        write_report(report, evaluation, about)
