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
    help="Where to take notifications.",
)
@click.option(
    "--token-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE",
    help="Holds the bearer token, as Alertmanager's credentials_file does.",
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    required=True,
    metavar="FILE.jsonl",
    help="Gets a line for each alert that begins or is over.",
)
def command(listen: tuple[str, int], token_file: Path, out: Path) -> None:
    """Take Alertmanager's webhook notifications (version 4) and write them down as JSON lines.

    Each alert's beginning and end is written once, however often it is sent. A notification is confirmed
    when it is on disk. Ends cleanly on SIGTERM and Ctrl-C.
    """
    token = read_token(token_file)
    with ReceiptFile(out) as file:
        serve(webhook(file, token), listen, "webhook receiver")
