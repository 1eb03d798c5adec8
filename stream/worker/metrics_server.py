"""The worker's HTTP server: `/metrics`, and `/healthz` with one of four states. It runs in a thread of its own.

So `/healthz` answers also while the worker's event loop hangs, and while a scrape or its client takes long.
"""

import asyncio
import json
import time
from collections.abc import Callable
from functools import partial

from aiohttp import web
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import choose_encoder, gzip_accepted

from bearwatch.core.http_server import application, serve_in_thread, unusable
from stream.errors import StreamError
from stream.settings import WorkerSettings
from stream.worker.health import Health


def serve(
    health: Health, registry: CollectorRegistry, settings: WorkerSettings
) -> tuple[tuple[str, int], Callable[[], None]]:
    """Serve on the metrics address; returns that address and what closes it.

    Raises:
        StreamError: the address cannot be bound.
    """
    host, port = settings.metrics_host, settings.metrics_port
    try:
        return serve_in_thread(metrics_application(health, registry, settings), host, port)
    except OSError as error:
        raise StreamError(
            f"{host}:{port} cannot be used for /metrics ({unusable(error)}); "
            "choose another port with --metrics-port"
        ) from None


class Scrapes:
    """One scrape at a time, however many ask: those that wait for the same get the one that begins next."""

    def __init__(self) -> None:
        self._running = asyncio.Lock()
        self._next: dict[tuple[str, ...], asyncio.Task[bytes]] = {}

    async def get(self, what: tuple[str, ...], scrape: Callable[[], bytes]) -> bytes:
        if what not in self._next:
            self._next[what] = asyncio.create_task(self._run(what, scrape))
        return await asyncio.shield(self._next[what])

    async def _run(self, what: tuple[str, ...], scrape: Callable[[], bytes]) -> bytes:
        async with self._running:
            del self._next[what]
            return await asyncio.to_thread(scrape)


def metrics_application(
    health: Health, registry: CollectorRegistry, settings: WorkerSettings
) -> web.Application:
    """`/metrics` of the registry and `/healthz`, as an aiohttp application."""
    scrapes = Scrapes()

    async def metrics(request: web.Request) -> web.Response:
        accept = ",".join(request.headers.getall("Accept", []))
        try:
            encode, content_type = choose_encoder(accept)
        except TypeError:  # it compares the parts of a version, which may be text
            content_type = ""
        if not content_type or not accept.isascii():
            return web.Response(status=400, text="the header Accept names a version that is not a number\n")
        names = request.query.getall("name[]", [])
        wanted = registry.restricted_registry(names) if names else registry
        body = await scrapes.get((content_type, *names), partial(encode, wanted))
        response = web.Response(body=body, headers={"Content-Type": content_type})
        if gzip_accepted(request.headers.get("Accept-Encoding", "")):
            response.enable_compression(web.ContentCoding.gzip)
        return response

    async def healthz(_: web.Request) -> web.Response:
        state, reason = health.state(time.monotonic(), settings)
        body = json.dumps({"state": state, "reason": reason, "lag": health.lag})
        return web.Response(
            status=200 if state == "serving" else 503, text=body, content_type="application/json"
        )

    async def elsewhere(_: web.Request) -> web.Response:
        return web.Response(status=404, text="/metrics or /healthz\n")

    return application(
        web.get("/metrics", metrics), web.get("/healthz", healthz), web.get("/{path:.*}", elsewhere)
    )
