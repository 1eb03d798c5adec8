"""What a worker says of itself on the metrics address: `/metrics`, and `/healthz` with one of four states."""

import json
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from socketserver import ThreadingMixIn
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

from prometheus_client import CollectorRegistry, make_wsgi_app

from stream.errors import StreamError
from stream.settings import WorkerSettings

STALE_BEAT_SECONDS = 15.0  # an event loop that has not turned for longer is stuck


@dataclass
class Health:
    """Written by the event loop, read by the server's threads and the watchdog; times are of a steady clock."""

    started: float = field(default_factory=time.monotonic)
    beat: float = field(default_factory=time.monotonic)  # the event loop turned
    broker_seen: float = field(default_factory=time.monotonic)  # the broker answered
    progressed: float = field(default_factory=time.monotonic)  # an offset moved, or there was nothing to do
    lag: int = 0  # records not yet read, over the partitions owned
    assigned: bool = False
    recovering: int = 0  # partitions whose state is still being read

    def state(self, now: float, settings: WorkerSettings) -> tuple[str, str]:
        """`starting`, `recovering`, `serving` or `stuck`, and the reason."""
        if now - self.beat > STALE_BEAT_SECONDS:
            return "stuck", f"the event loop has not turned for {now - self.beat:.0f} s"
        if now - self.broker_seen > settings.broker_timeout_seconds / 2:
            return "stuck", f"the broker has not answered for {now - self.broker_seen:.0f} s"
        if self.lag and now - self.progressed > settings.stuck_after_seconds / 2:
            return (
                "stuck",
                f"{self.lag} records wait and none was committed for {now - self.progressed:.0f} s",
            )
        if not self.assigned:
            return "starting", "no partition has been assigned yet"
        if self.recovering:
            return "recovering", f"{self.recovering} partitions read their state"
        return "serving", f"lag {self.lag} records"

    def fatal(self, now: float, settings: WorkerSettings) -> str | None:
        """Why the process must end, if it must."""
        if now - self.beat > settings.stuck_after_seconds:
            return f"the event loop has not turned for {now - self.beat:.0f} s"
        if now - self.broker_seen > settings.broker_timeout_seconds:
            return f"no answer from the broker {settings.broker} for {now - self.broker_seen:.0f} s"
        if self.lag and now - self.progressed > settings.stuck_after_seconds:
            return f"{self.lag} records wait and none was committed for {now - self.progressed:.0f} s"
        return None


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        """Scrapes are not news."""


def serve(health: Health, registry: CollectorRegistry, settings: WorkerSettings) -> Callable[[], None]:
    """Serve on the metrics address from threads of its own; returns what closes it.

    Raises:
        StreamError: the address cannot be bound.
    """
    metrics = make_wsgi_app(registry)

    def app(environ: dict[str, str], start_response: Callable[..., object]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "/")
        if path == "/healthz":
            state, reason = health.state(time.monotonic(), settings)
            status = "200 OK" if state == "serving" else "503 Service Unavailable"
            start_response(status, [("Content-Type", "application/json")])
            return [json.dumps({"state": state, "reason": reason, "lag": health.lag}).encode()]
        if path == "/metrics":
            return metrics(environ, start_response)  # type: ignore[no-any-return]
        start_response("404 Not Found", [("Content-Type", "text/plain")])
        return [b"/metrics or /healthz\n"]

    host, port = settings.metrics_host, settings.metrics_port
    try:
        server = make_server(host, port, app, server_class=_Server, handler_class=_QuietHandler)
    except OSError as error:
        raise StreamError(
            f"{host}:{port} cannot be used for /metrics ({error.strerror}); "
            "choose another port with --metrics-port"
        ) from None
    threading.Thread(target=server.serve_forever, name="metrics", daemon=True).start()
    return server.shutdown
