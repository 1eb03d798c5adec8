"""Runs a small HTTP application in the foreground until SIGTERM or Ctrl-C."""

from typing import Any

import click
from aiohttp import web

from alerting.errors import AlertingError

SHUTDOWN_SECONDS = 5.0  # for requests under way


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


def serve(app: web.Application, listen: tuple[str, int], what: str) -> None:
    """Serve until a signal ends it; requests under way are finished.

    Raises:
        AlertingError: the address cannot be used.
    """
    host, port = listen
    try:
        web.run_app(
            app,
            host=host,
            port=port,
            access_log=None,
            shutdown_timeout=SHUTDOWN_SECONDS,
            print=lambda _: click.echo(f"{what} on http://{host}:{port}/"),
        )
    except OSError as error:
        raise AlertingError(
            f"{host}:{port} cannot be used ({error.strerror}); choose another address with --listen"
        ) from None
