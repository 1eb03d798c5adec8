"""`bearwatch train CONFIG.toml --out RUN`: fine-tune an encoder with its heads."""

from pathlib import Path

import click

from training.config import load_config
from training.extra import training_extra


@click.command("train")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the run.")
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the data [that of CONFIG].")
@click.option("--resume", is_flag=True, help="Go on from the run's last checkpoint.")
def command(config: Path, out: Path, data_dir: Path | None, resume: bool) -> None:
    """Fine-tune the model that the TOML file CONFIG describes."""
    settings = load_config(config)
    with training_extra():
        from training.fit import fit
        from training.precision import best_precision
    best = fit(settings, data_dir or config.parent, out, resume=resume, precision=best_precision())
    click.echo(f"best epoch {best.epoch}, mean dev accuracy {best.score:.4f}")
    click.echo(f"next: bearwatch export {out} --out DIR")
