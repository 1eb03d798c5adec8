"""A webhook that misbehaves on demand, for tests of what sends to it."""

import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Literal, Self

Mode = Literal["ok", "slow", "error", "garbage"]


@dataclass
class WebhookDouble:
    """Listens on 127.0.0.1 at `port` (0: any) and keeps every body it gets; `mode` may be changed at any time.

    `slow` answers 200 after `slow_seconds`, `error` answers 500, `garbage` answers bytes that are not HTTP.
    """

    mode: Mode = "ok"
    port: int = 0
    slow_seconds: float = 30.0
    bodies: list[bytes] = field(default_factory=list)

    def __enter__(self) -> Self:
        double = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                double.bodies.append(self.rfile.read(int(self.headers.get("Content-Length", 0))))
                if double.mode == "garbage":
                    self.wfile.write(b"\x00\xffgarbage\r\n\r\n")
                    return
                if double.mode == "slow":
                    time.sleep(double.slow_seconds)
                self.send_response(500 if double.mode == "error" else 200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, format: str, *arguments: Any) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", self.port), Handler)
        self._server.daemon_threads = True
        self._server.block_on_close = False
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"
