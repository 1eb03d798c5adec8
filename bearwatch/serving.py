"""Serves a small HTTP application in the foreground until SIGTERM or Ctrl-C."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack

from aiohttp import web

from bearwatch.core.console import echo
from bearwatch.core.errors import BearwatchError
from bearwatch.core.http_server import listening, unusable
from bearwatch.core.stop_signals import stop_signals


def serve(
    app: web.Application,
    listen: tuple[str, int],
    what: str,
    beside: Sequence[Coroutine[None, None, None]] = (),
) -> None:
    """Serve `app` at host and port until SIGTERM or Ctrl-C; open requests are answered.

    Args:
        app: made by `bearwatch.core.http_server.application`.
        listen: host and port.
        what: names it in the output.
        beside: run next to it, for what it shows, and must not end; they are cancelled at the end.

    Raises:
        BearwatchError: the address cannot be used, or one of `beside` ended.
    """
    asyncio.run(_serve(app, listen, what, beside))


async def _serve(
    app: web.Application, listen: tuple[str, int], what: str, beside: Sequence[Coroutine[None, None, None]]
) -> None:
    (host, port), stop, loop = listen, asyncio.Event(), asyncio.get_running_loop()
    for number in stop_signals():
        loop.add_signal_handler(number, stop.set)
    stopped = asyncio.create_task(stop.wait())
    tasks = [asyncio.create_task(each) for each in beside]
    async with AsyncExitStack() as server:
        try:
            await server.enter_async_context(listening(app, host, port))
        except OSError as error:
            raise BearwatchError(
                f"{host}:{port} cannot be used ({unusable(error)}); choose another address with --listen"
            ) from None
        echo(f"{what} on http://{host}:{port}/")
        ended, _ = await asyncio.wait({stopped, *tasks}, return_when=asyncio.FIRST_COMPLETED)
        for task in (stopped, *tasks):
            task.cancel()
        await asyncio.gather(stopped, *tasks, return_exceptions=True)
    for task in ended - {stopped}:
        raise BearwatchError(f"{what}: what it shows is no longer read: {task.exception()!r}")
