"""`bearwatch data CONFIG.toml --data-dir DIR`: what a training run would find in its data, without training."""

from pathlib import Path

import click
import msgspec

from bearwatch.terminal.printable import printable_json
from training.config import load_config
from training.data.corpus import read_corpus
from training.data.report_tables import as_text


@click.command("data")
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--data-dir", type=click.Path(path_type=Path), help="Folder of the data [that of CONFIG].")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every row that is dropped.")
def command(config: Path, data_dir: Path | None, as_json: bool) -> None:
    """Read the data sets of the TOML file CONFIG; report sizes, classes, conflicts, and what leaks into evaluation."""
    corpus = read_corpus(load_config(config), data_dir or config.parent)
    if as_json:
        click.echo(printable_json(msgspec.json.encode({"data": corpus.data, "leaks": corpus.leaks})))
    else:
        click.echo(as_text(corpus))
