"""Options that several commands share besides the settings, and the types of their values."""

from typing import Any

import click

changes = click.option(
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Replace a value of the configuration, as in hyperparameters.epochs=6; may be repeated.",
)


class Address(click.ParamType):
    """HOST:PORT, with [..] around an IPv6 host."""

    name = "address"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).rpartition(":")
        if not (host and port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            self.fail(f"{value!r} is not HOST:PORT, as in 127.0.0.1:9209", param, ctx)
        return host.strip("[]"), int(port)
