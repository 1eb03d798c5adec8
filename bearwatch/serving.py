"""Serves a small HTTP application in the foreground until SIGTERM or Ctrl-C."""

import click
from aiohttp import web

from bearwatch.core.errors import BearwatchError

SHUTDOWN_SECONDS = 5.0  # for open requests


def serve(app: web.Application, listen: tuple[str, int], what: str) -> None:
    """Serve `app` at host and port until SIGTERM or Ctrl-C; open requests are answered. `what` names it in the output.

    Raises:
        BearwatchError: the address cannot be used.
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
        raise BearwatchError(
            f"{host}:{port} cannot be used ({error.strerror}); choose another address with --listen"
        ) from None
