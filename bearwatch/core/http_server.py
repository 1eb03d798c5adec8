"""An HTTP server for short answers that no client can block: one exchange per connection, within limits.

A connection ends after one answer, when the head of its request does not come in time, or at its deadline, whatever
its client does (`http_connections`). A connection above the limit is accepted; the oldest one makes room for it,
first among those that have sent no request. So idle and slow clients, however many, do not keep others out.
"""

import asyncio
import logging
import os
import resource
import socket
import sys
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote_to_bytes

from aiohttp import web
from aiohttp.typedefs import Handler

from bearwatch.core.http_connections import HEADERS, Connection, Pool
from bearwatch.core.printable import is_hidden

MAX_CONNECTIONS = 256
SHUTDOWN_SECONDS = 5.0  # for open requests
ACCEPTED_AT_ONCE = 64  # connections accepted before the limit acts
QUEUE = 1024  # connections that wait to be accepted
log = logging.getLogger("bearwatch.http")


def application(*routes: web.AbstractRouteDef, **options: Any) -> web.Application:
    """An aiohttp application whose answers all carry HEADERS; `options` are those of `web.Application`."""
    app = web.Application(middlewares=[_accept], **options)
    app.on_response_prepare.append(_add_headers)
    app.add_routes(routes)
    return app


@web.middleware
async def _accept(request: web.Request, handler: Handler) -> web.StreamResponse:
    if isinstance(request.protocol, Connection):
        request.protocol.has_asked()
    address = unquote_to_bytes(request.raw_path).decode(errors="replace")
    if any(map(is_hidden, address)) or "\ufffd" in address:
        return web.Response(status=400, text="the address must be UTF-8 without control characters\n")
    return await handler(request)


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in {**HEADERS, "Connection": "close"}.items():
        response.headers.setdefault(name, value)
    response.force_close()


@asynccontextmanager
async def listening(app: web.Application, host: str, port: int) -> AsyncIterator[tuple[str, int]]:
    """Serve `app` on the running event loop; yields the address, whose port is chosen where `port` is 0.

    Where the process may open few more files, the limit on connections is a quarter of their number.

    Raises:
        OSError: the address cannot be used.
    """
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_log_trouble)
    free = _free_files()
    pool = Pool(max(2, min(MAX_CONNECTIONS, free // 4)))
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        manager = runner.server
        assert manager is not None  # noqa: S101 - after setup
        server = await loop.create_server(
            lambda: Connection(pool, manager, loop),
            host,
            port,
            backlog=max(1, min(ACCEPTED_AT_ONCE, free // 8)),
        )
        # asyncio uses one number for both, and a full queue makes clients wait seconds.
        for each in server.sockets:
            with socket.socket(fileno=os.dup(each.fileno())) as same:
                same.listen(QUEUE)
        try:
            yield server.sockets[0].getsockname()[:2]
        finally:
            server.close()
    finally:
        await runner.cleanup()


def _free_files() -> int:
    """How many more files the process may open."""
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    used = sum(1 for _ in Path("/dev/fd").iterdir())
    return sys.maxsize if limit == resource.RLIM_INFINITY else limit - used


def _log_trouble(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """One line instead of asyncio's traceback, for example where no more files can be opened."""
    log.error("%s: %r", context["message"], context.get("exception"))


def serve_in_thread(app: web.Application, host: str, port: int) -> tuple[tuple[str, int], Callable[[], None]]:
    """Serve `app` from a thread with an event loop of its own; returns the address and what closes it.

    Raises:
        OSError: the address cannot be used.
    """
    started: Future[tuple[tuple[str, int], asyncio.AbstractEventLoop, asyncio.Event]] = Future()

    async def run() -> None:
        stop = asyncio.Event()
        try:
            async with listening(app, host, port) as address:
                started.set_result((address, asyncio.get_running_loop(), stop))
                await stop.wait()
        except OSError as error:
            if started.done():
                raise
            started.set_exception(error)

    thread = Thread(target=lambda: asyncio.run(run()), name="http", daemon=True)
    thread.start()
    address, loop, stop = started.result()

    def close() -> None:
        loop.call_soon_threadsafe(stop.set)
        thread.join(2 * SHUTDOWN_SECONDS)

    return address, close


def unusable(error: OSError) -> str:
    """Why an address cannot be used, in few words."""
    return os.strerror(error.errno) if error.errno and error.errno > 0 else str(error.strerror)
