"""`bearwatch export RUN... --out DIR`: exports a trained model as an ONNX artifact, compared with the network."""

import shlex
from datetime import UTC, datetime
from pathlib import Path

import click

from bearwatch.core.console import echo
from training.extra import training_extra


@click.command("export")
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder of the artifact.")
@click.option(
    "--data-dir",
    type=click.Path(path_type=Path),
    help="Folder of the data: evaluate the model on the configuration's evaluation sets, and record the metrics.",
)
def command(runs: tuple[Path, ...], out: Path, data_dir: Path | None) -> None:
    """Export the best epoch of the training run in the folder RUN.

    Of several runs with the same base model, labels and seed, it exports the mean of their weights, unless one run
    alone has a higher accuracy on the dev split: then it says which.
    """
    with training_extra():
        from training.export.artifact import export
    manifest = export(runs, out, data_dir, datetime.now(UTC))
    for name, figures in manifest.metrics.items():
        echo(f"{name}: accuracy {figures['accuracy']:.4f}, macro-F1 {figures['macro_f1']:.4f}")
    size = sum((out / file).stat().st_size for file in manifest.files)
    echo(f"{out}: {size / 1e6:.1f} MB, compared with the trained network on {', '.join(manifest.parity)}")
    echo(f"next: {shlex.join(['bearwatch', 'classify', '--model', str(out), 'a text'])}")
