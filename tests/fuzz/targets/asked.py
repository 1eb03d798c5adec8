"""Asks an aiohttp application without a network: what a connection is to it is made once, a request costs little."""

import asyncio
import atexit
import functools
from unittest import mock

from aiohttp import web
from aiohttp.streams import StreamReader
from aiohttp.test_utils import make_mocked_request


class _Protocol:
    """As much of a connection as a body that has arrived needs."""

    _reading_paused = False
    transport = writer = peername = sockname = ssl_context = None
    max_field_size = max_line_length = 8190

    def resume_reading(self, **_: object) -> None: ...
    def pause_reading(self) -> None: ...


@functools.cache
def _loop() -> asyncio.AbstractEventLoop:
    made = asyncio.new_event_loop()
    atexit.register(made.close)
    return made


@functools.cache
def _mocks() -> tuple[mock.Mock, mock.Mock]:
    return mock.Mock(), mock.Mock()


def answer(
    app: web.Application, method: str, path: str, headers: dict[str, str] | None = None, content: bytes = b""
) -> web.StreamResponse:
    """The application's answer; `app` is frozen.

    Raises:
        ValueError: aiohttp itself answers 400 to such a path.
        web.HTTPException: an answer too.
    """
    transport, writer = _mocks()
    protocol = _Protocol()
    body = StreamReader(protocol, 2**16, loop=_loop())  # type: ignore[arg-type]
    body.feed_data(content)
    body.feed_eof()
    request = make_mocked_request(
        method,
        path,
        headers,
        app=app,
        protocol=protocol,
        transport=transport,
        writer=writer,
        payload=body,
        loop=_loop(),
        client_max_size=2**22,
    )
    return _loop().run_until_complete(app._handle(request))
