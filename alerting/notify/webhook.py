"""A receiver of Alertmanager's webhook notifications, to use or as an example: `bearwatch webhook`.

    POST /         a notification, with `Authorization: Bearer TOKEN`
    GET  /healthz  200 while it runs

It answers 200 when everything in the notification is on disk, now or from an earlier request; 401 without the
token; 413 or 400 for a body that it cannot take; 408 for a body that does not arrive: after these Alertmanager retries
with the group's next `group_interval`. It answers 503 when the file cannot be written, after which Alertmanager
retries at once.
"""

import asyncio
import hmac
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec
from aiohttp import web

from alerting.errors import AlertingError
from alerting.notify.credentials import secret
from alerting.notify.notices import Notification, receipts
from alerting.notify.receipts import ReceiptFile
from bearwatch.core.http_server import application

MAX_BODY_BYTES = 4 * 2**20  # some thousand alerts; Alertmanager's max_alerts keeps a notification below it
BODY_SECONDS = 10.0
log = logging.getLogger("bearwatch.webhook")


def read_token(path: Path) -> bytes:
    """The token in a file, without surrounding white space: what Alertmanager's `credentials_file` holds.

    Raises:
        AlertingError: the file cannot be read, is empty, or holds what cannot stand in a header.
    """
    return secret(path).encode()


def webhook(
    file: ReceiptFile, token: bytes, clock: Callable[[], datetime] = lambda: datetime.now(UTC)
) -> web.Application:
    """The receiver as an aiohttp application; `clock` gives the time of each receipt."""

    async def receive(request: web.Request) -> web.Response:
        if not _authorised(request, token):
            log.warning("rejected a request from %s: wrong or no token", request.remote)
            return _say(401, "the bearer token is wrong or missing", {"WWW-Authenticate": "Bearer"})
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await request.read()
            notification = msgspec.json.decode(body, type=Notification)
        except TimeoutError:
            return _say(408, f"the body did not arrive within {BODY_SECONDS:.0f} s")
        except web.HTTPRequestEntityTooLarge:
            log.error(
                "rejected a notification of more than %d bytes; set max_alerts in Alertmanager",
                MAX_BODY_BYTES,
            )
            return _say(413, f"more than {MAX_BODY_BYTES} bytes")
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            log.error("rejected a notification: %s", error)
            return _say(400, f"not a notification of version 4: {error}")
        if notification.truncated_alerts:
            log.error(
                "Alertmanager left out %d alerts: raise max_alerts in Alertmanager",
                notification.truncated_alerts,
            )
        return _keep(notification)

    def _keep(notification: Notification) -> web.Response:
        # On the event loop on purpose: notifications are written one after the other, and /healthz shows a disk that
        # hangs.
        try:
            new = file.add(receipts(notification, clock()))
        except OSError as error:
            log.error("could not write a notification: %s; Alertmanager will send it again", error)
            return _say(503, f"not written: {error.strerror}")
        except AlertingError as error:
            log.error("could not write a notification: %s; Alertmanager will send it again", error)
            return _say(503, f"not written: {error}")
        return _say(200, f"{new} written, {len(notification.alerts) - new} known")

    async def healthz(_: web.Request) -> web.Response:
        return _say(200, "ok")

    return application(web.post("/", receive), web.get("/healthz", healthz), client_max_size=MAX_BODY_BYTES)


def _authorised(request: web.Request, token: bytes) -> bool:
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(given.strip().encode(errors="replace"), token)


def _say(status: int, text: str, headers: dict[str, str] | None = None) -> web.Response:
    return web.Response(status=status, text=text + "\n", headers=headers)
