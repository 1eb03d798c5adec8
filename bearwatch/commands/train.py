"""`bearwatch train CONFIG.toml --out RUN`: fine-tune an encoder with its heads."""

import shlex
from pathlib import Path

import click

from bearwatch.core.console import echo
from bearwatch.options import changes
from training.config_file import load_config
from training.extra import training_extra


@click.command("train")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Folder of the data [the folder of CONFIG]."
)
@click.option("--seed", type=int, help="Instead of the configuration's seed.")
@changes
@click.option(
    "--teacher",
    "teachers",
    type=click.Path(path_type=Path),
    multiple=True,
    help="Folder of an exported model to learn from, for a table [distillation]; may be repeated.",
)
@click.option("--resume", is_flag=True, help="Continue from the run's last checkpoint.")
def command(
    config: Path,
    out: Path,
    data_dir: Path | None,
    seed: int | None,
    changes: tuple[str, ...],
    teachers: tuple[Path, ...],
    resume: bool,
) -> None:
    """Fine-tune the model that the TOML file CONFIG describes (docs/OWN_LABELS.md: with labels of your own)."""
    seeded = () if seed is None else (f"seed={seed}",)
    settings = load_config(config, (*changes, *seeded))
    with training_extra():
        from training.fit.precision import best_precision
        from training.fit.training_run import fit
    data = data_dir or config.parent
    try:
        best = fit(settings, data, out, resume=resume, precision=best_precision(), teachers=teachers)
    except KeyboardInterrupt:
        echo("\nstopped; the same command with --resume continues from the last checkpoint", err=True)
        raise
    held_out = sum(round(figures["n"]) for figures in best.metrics.values())
    echo(
        f"best epoch {best.epoch}: mean accuracy {best.score:.4f} on the {held_out:,} texts of the dev split"
    )
    evaluated = f" --data-dir {shlex.quote(str(data))}" if settings.evaluation else ""
    echo(f"next: bearwatch export {shlex.quote(str(out))} --out DIR{evaluated}")
