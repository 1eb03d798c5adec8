"""`bearwatch compare CONFIG.toml --out FOLDER`: is a traditional classifier enough, or does it take BERT?"""

import importlib
from datetime import UTC, datetime
from pathlib import Path

import click

from bearwatch.options import changes
from bearwatch.settings import settings
from training.comparison.compare import compare
from training.comparison.report import summary, write_report
from training.comparison.subsets import parse_shares
from training.config import load_config
from training.extra import training_extra


@click.command("compare")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the comparison.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the data [that of CONFIG].")
@settings("model")
@click.option("--shares", default="1,5,20,100", show_default=True, help="Of the labels, in per cent.")
@click.option("--seed", type=click.IntRange(min=0), help="Another seed than the configuration's.")
@changes
def command(
    config: Path,
    out: Path,
    data_dir: Path | None,
    model: Path,
    shares: str,
    seed: int | None,
    changes: tuple[str, ...],
) -> None:
    """Compare TF-IDF with linear models and naive Bayes against BERT on the data of the TOML file CONFIG.

    Writes compare.json and report.html into the folder. BERT with 100 % of the labels is the model given, with fewer
    it is fine-tuned here. An interrupted comparison goes on when it is started again.
    """
    seeded = () if seed is None else (f"seed={seed}",)
    asked = load_config(config, (*changes, *seeded))
    with training_extra():
        for package in ("sklearn", "torch", "transformers", "onnx"):  # each cell imports what it needs, later
            importlib.import_module(package)
    found = compare(
        asked,
        data_dir or config.parent,
        out,
        name=config.name,
        model=model,
        shares=parse_shares(shares),
        created=datetime.now(UTC),
    )
    write_report(out, found)
    for line in summary(found):
        click.echo(line)
    click.echo(f"report: {out / 'report.html'}")
