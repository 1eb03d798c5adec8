"""The connections of one HTTP server: how many there may be, how long each may last, and how errors are answered."""

import asyncio
import logging
from http import HTTPStatus

from aiohttp import web

HEAD_SECONDS = 10.0  # for the request line and the headers
EXCHANGE_SECONDS = 30.0  # from the first byte of a connection to the last
LINGER_SECONDS = 2.0  # reads what a client still sends after its answer, so that it sees the answer
LOGGED_CHARACTERS = 200  # of a path
HEADERS = {
    "Cache-Control": "no-store",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
log = logging.getLogger("bearwatch.http")


class Pool:
    """The open connections of one server, oldest first."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._silent: dict[Connection, None] = {}  # no request has come
        self._asking: dict[Connection, None] = {}

    def opened(self, connection: "Connection") -> None:
        if len(self._silent) + len(self._asking) >= self._limit:
            oldest = next(iter(self._silent or self._asking))
            self.closed(oldest)
            oldest.abort()
            log.warning(
                "more than %d connections are open: the oldest is closed for each new one", self._limit
            )
        self._silent[connection] = None

    def has_asked(self, connection: "Connection") -> None:
        if connection in self._silent:
            del self._silent[connection]
            self._asking[connection] = None

    def closed(self, connection: "Connection") -> None:
        self._silent.pop(connection, None)
        self._asking.pop(connection, None)


class Connection(web.RequestHandler):
    """aiohttp's, within the limits above; errors are answered and logged in one line."""

    __slots__ = ("_deadline", "_pool", "_socket")

    def __init__(self, pool: Pool, server: web.Server, loop: asyncio.AbstractEventLoop) -> None:
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
