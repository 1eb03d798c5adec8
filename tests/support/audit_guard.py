"""Imported at the start of Python by `network_guard`: writes down what Python tries to reach besides this machine."""

import os
import sys
from ipaddress import ip_address
from pathlib import Path
from typing import Any

EVENTS = {"socket.connect": 1, "socket.sendto": 1, "socket.getaddrinfo": 0, "socket.gethostbyname": 0}
REPORT = Path(os.environ["NETWORK_GUARD_REPORT"])


def is_local(host: object) -> bool:
    if host in (None, "", b"", "localhost", b"localhost"):
        return True
    try:
        address = ip_address(host.decode() if isinstance(host, bytes) else str(host))
    except ValueError:
        return False  # a name, which a name server would be asked for
    return address.is_loopback or address.is_unspecified


def report(event: str, arguments: tuple[Any, ...]) -> None:
    if event in EVENTS:
        target = arguments[EVENTS[event]]
        host = target[0] if isinstance(target, tuple) else target
        unix = event in ("socket.connect", "socket.sendto") and not isinstance(target, tuple)
        if not unix and not is_local(host):
            with REPORT.open("a") as file:
                file.write(f"{event} {target}\n")


sys.addaudithook(report)
