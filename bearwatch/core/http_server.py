"""An HTTP server for short answers that no client can block: one exchange per connection, within limits.

A connection ends after one answer, when the head of its request does not come within HEAD_SECONDS, or after
EXCHANGE_SECONDS, whatever its client does. A connection above the limit is accepted; the oldest one makes room for it,
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
from http import HTTPStatus
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import unquote_to_bytes

from aiohttp import web
from aiohttp.typedefs import Handler

MAX_CONNECTIONS = 256
HEAD_SECONDS = 10.0  # for the request line and the headers
EXCHANGE_SECONDS = 30.0  # from the first byte of a connection to the last
LINGER_SECONDS = 2.0  # reads what a client still sends after its answer, so that it sees the answer
SHUTDOWN_SECONDS = 5.0  # for open requests
ACCEPTED_AT_ONCE = 64  # connections accepted before the limit acts
QUEUE = 1024  # connections that wait to be accepted
LOGGED_CHARACTERS = 200  # of a path
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
log = logging.getLogger("bearwatch.http")


def application(*routes: web.AbstractRouteDef, **options: Any) -> web.Application:
    """An aiohttp application whose answers all carry HEADERS; `options` are those of `web.Application`."""
    app = web.Application(middlewares=[_accept], **options)
    app.on_response_prepare.append(_add_headers)
    app.add_routes(routes)
    return app


@web.middleware
async def _accept(request: web.Request, handler: Handler) -> web.StreamResponse:
    if isinstance(request.protocol, _Connection):
        request.protocol.has_asked()
    address = unquote_to_bytes(request.raw_path).decode(errors="replace")
    if not address.isprintable() or "\ufffd" in address:
        return web.Response(status=400, text="the address must be UTF-8 without control characters\n")
    return await handler(request)


async def _add_headers(_: web.Request, response: web.StreamResponse) -> None:
    for name, value in {**HEADERS, "Connection": "close"}.items():
        response.headers.setdefault(name, value)
    response.force_close()


class _Pool:
    """The open connections of one server, oldest first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._silent: dict[_Connection, None] = {}  # no request has come
        self._asking: dict[_Connection, None] = {}

    def opened(self, connection: "_Connection") -> None:
        if len(self._silent) + len(self._asking) >= self._limit:
            oldest = next(iter(self._silent or self._asking))
            self.closed(oldest)
            oldest.abort()
            log.warning(
                "more than %d connections are open: the oldest is closed for each new one", self._limit
            )
        self._silent[connection] = None

    def has_asked(self, connection: "_Connection") -> None:
        if connection in self._silent:
            del self._silent[connection]
            self._asking[connection] = None

    def closed(self, connection: "_Connection") -> None:
        self._silent.pop(connection, None)
        self._asking.pop(connection, None)


class _Connection(web.RequestHandler):
    """aiohttp's, within the limits of this module; errors are answered and logged in one line."""

    __slots__ = ("_deadline", "_pool", "_socket")

    def __init__(self, pool: _Pool, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(
            server,
            loop=loop,
            keepalive_timeout=HEAD_SECONDS,
            lingering_time=LINGER_SECONDS,
            access_log=None,  # type: ignore[arg-type]  # the type says Logger, the code takes None
            logger=log,
            auto_decompress=False,  # nobody sends compressed bodies; a small one may unpack to gigabytes
        )
        self._pool = pool

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)  # noqa: S101
        self._socket = transport
        self._deadline = asyncio.get_running_loop().call_later(EXCHANGE_SECONDS, transport.abort)
        self._pool.opened(self)
        super().connection_made(transport)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._deadline.cancel()
        self._pool.closed(self)
        super().connection_lost(exc)

    def has_asked(self) -> None:
        """Note that a request has come."""
        self._pool.has_asked(self)

    def abort(self) -> None:
        """Close the connection at once."""
        self._socket.abort()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """The answer to a request that cannot be read, or whose handler failed."""
        if status >= 500 and request.transport is not None:  # a client that has gone is no news
            log.error("%s %s failed: %r", request.method, request.path[:LOGGED_CHARACTERS], exc)
        if request.writer.output_size > 0:
            raise ConnectionError("a part of the answer is sent; the connection is closed")
        response = web.Response(
            status=status, text=f"{status} {HTTPStatus(status).phrase}\n", headers=HEADERS
        )
        response.force_close()
        return response


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
    pool = _Pool(max(2, min(MAX_CONNECTIONS, free // 4)))
    runner = web.AppRunner(app, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        manager = runner.server
        assert manager is not None  # noqa: S101 - after setup
        server = await loop.create_server(
            lambda: _Connection(pool, manager, loop),
            host,
            port,
            backlog=max(1, min(ACCEPTED_AT_ONCE, free // 8)),
        )
        for (
            each
        ) in server.sockets:  # asyncio uses one number for both, and a full queue makes clients wait seconds
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
