"""`bearwatch compare CONFIG.toml --out FOLDER`: compares traditional classifiers with the fine-tuned BERT."""

import importlib
from datetime import UTC, datetime
from pathlib import Path

import click

from bearwatch.core.console import echo
from bearwatch.options import changes
from bearwatch.settings import settings
from training.comparison.compare import compare
from training.comparison.report import summary, write_report
from training.comparison.subsets import parse_label_percents
from training.config_file import load_config
from training.extra import training_extra


@click.command("compare")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the comparison.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Folder of the data [the folder of CONFIG]."
)
@settings("model")
@click.option(
    "--label-percents",
    default="1,5,20,100",
    show_default=True,
    help="Percentages of the labels to train with.",
)
@click.option("--seed", type=click.IntRange(min=0), help="Instead of the configuration's seed.")
@changes
def command(
    config: Path,
    out: Path,
    data_dir: Path | None,
    model: Path,
    label_percents: str,
    seed: int | None,
    changes: tuple[str, ...],
) -> None:
    """Compare TF-IDF with linear models and naive Bayes against BERT on the data of the TOML file CONFIG.

    Writes compare.json and report.html into the folder. BERT with 100 % of the labels is the model of
    --model; with fewer labels it is fine-tuned here. The same command continues an interrupted comparison.
    """
    seeded = () if seed is None else (f"seed={seed}",)
    requested = load_config(config, (*changes, *seeded))
    with training_extra():
        # Checked here; each cell imports only what it needs.
        for package in ("sklearn", "torch", "transformers", "onnx"):
            importlib.import_module(package)
    comparison = compare(
        requested,
        data_dir or config.parent,
        out,
        name=config.name,
        model=model,
        label_percents=parse_label_percents(label_percents),
        created=datetime.now(UTC),
    )
    write_report(out, comparison)
    for line in summary(comparison):
        echo(line)
    echo(f"report: {out / 'report.html'}")
