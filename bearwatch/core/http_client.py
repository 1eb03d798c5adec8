"""One HTTP request with limits on its whole time and on the size of its answer, whatever the other side does."""

import asyncio
import os
from typing import NamedTuple

import aiohttp
from yarl import URL

REDIRECTS = 5  # followed, of GET only
MOVED = (301, 302, 303, 307, 308)
CHUNK_BYTES = 2**16


class Answer(NamedTuple):
    status: int
    body: bytes


class NoAnswerError(Exception):
    """There is no whole answer within the limits; the message says why."""


def fetch(
    url: str,
    seconds: float,
    max_bytes: int,
    method: str = "GET",
    body: bytes | None = None,
    secret: str | None = None,
    proxies: bool = False,
) -> Answer:
    """Send a request and read the whole answer; not to be called on an event loop.

    Args:
        url: an http or https address.
        seconds: for everything, redirects included.
        max_bytes: of the answer's body.
        method: the request's.
        body: JSON, in UTF-8.
        secret: the header `Authorization`. It does not go where a redirect leads.
        proxies: whether `HTTP_PROXY` and the like count, as in curl.

    Raises:
        NoAnswerError: there is none.
    """
    try:
        return asyncio.run(asyncio.wait_for(_fetch(url, max_bytes, method, body, secret, proxies), seconds))
    except TimeoutError:
        raise NoAnswerError(f"no whole answer within {seconds:g} s") from None
    except aiohttp.ClientConnectorError as error:
        errno = error.os_error.errno
        raise NoAnswerError(os.strerror(errno) if errno and errno > 0 else str(error.os_error)) from None
    except (aiohttp.ClientError, OSError, ValueError) as error:
        raise NoAnswerError(" ".join((str(error) or repr(error)).split())) from None


async def _fetch(
    url: str, max_bytes: int, method: str, body: bytes | None, secret: str | None, proxies: bool
) -> Answer:
    headers = {"Accept-Encoding": "identity"} | ({"Content-Type": "application/json"} if body else {})
    proof = {} if secret is None else {"Authorization": secret}
    address = URL(url)
    async with aiohttp.ClientSession(trust_env=proxies, cookie_jar=aiohttp.DummyCookieJar()) as session:
        for _ in range(REDIRECTS + 1):
            async with session.request(
                method, address, data=body, headers=headers | proof, allow_redirects=False
            ) as answer:
                if method != "GET" or answer.status not in MOVED or "Location" not in answer.headers:
                    return Answer(answer.status, await _read(answer, max_bytes))
                address, proof = address.join(URL(answer.headers["Location"])), {}
    raise NoAnswerError(f"more than {REDIRECTS} redirects")


async def _read(answer: aiohttp.ClientResponse, max_bytes: int) -> bytes:
    parts, size = [], 0
    async for part in answer.content.iter_chunked(CHUNK_BYTES):
        parts.append(part)
        size += len(part)
        if size > max_bytes:
            raise NoAnswerError(f"the answer is longer than {max_bytes} bytes")
    return b"".join(parts)
