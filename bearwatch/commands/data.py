"""`bearwatch data CONFIG.toml --data-dir DIR`: reports on the data of a training run, without training."""

from pathlib import Path

import click
import msgspec

from bearwatch.core.console import echo
from bearwatch.core.printable import printable_json
from training.config_file import load_config
from training.data.corpus import read_corpus
from training.data.report_tables import as_text


@click.command("data")
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--data-dir", type=click.Path(path_type=Path), help="Folder of the data [the folder of CONFIG]."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, with every dropped row.")
def command(config: Path, data_dir: Path | None, as_json: bool) -> None:
    """Read the data sets of the TOML file CONFIG; report sizes, labels, conflicts, and leaks into evaluation."""
    corpus = read_corpus(load_config(config), data_dir or config.parent)
    if as_json:
        echo(printable_json(msgspec.json.encode({"data": corpus.data, "leaks": corpus.leaks})))
    else:
        echo(as_text(corpus))
