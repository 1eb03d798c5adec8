"""`bearwatch webhook`: a receiver of Alertmanager's notifications, to use or to copy."""

from pathlib import Path

import click

from alerting.notify.receipts import ReceiptFile
from alerting.notify.webhook import read_token, webhook
from bearwatch.options import Address
from bearwatch.serving import serve


@click.command
@click.option(
    "--listen",
    type=Address(),
    default="127.0.0.1:9209",
    show_default=True,
    help="Where to receive notifications.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="Holds the bearer token that Alertmanager sends (its credentials_file).",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.jsonl",
    help="Gets a line for each alert that fires or resolves.",
)
def command(listen: tuple[str, int], token_file: Path, out: Path) -> None:
    """Receive Alertmanager's webhook notifications (version 4) and write them to a file of JSON lines.

    An alert is written once when it fires and once when it resolves, however often it is sent. A notification is
    answered when it is on disk. Stops on SIGTERM and Ctrl-C.
    """
    token = read_token(token_file)
    with ReceiptFile(out) as file:
        serve(webhook(file, token), listen, "webhook receiver")
