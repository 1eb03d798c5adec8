"""Options that commands about training share."""

import click

changes = click.option(
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Another value than the configuration's, such as hyperparameters.epochs=6; may be repeated.",
)
