"""Runs a command in a network of its own and reports what it tried to reach besides this machine.

    python tests/support/network_guard.py REPORT.txt COMMAND [ARGUMENT ...]

The network is a namespace of the kernel, which needs no root, and has only a loopback interface. Every address is
routed to that interface: nothing leaves the machine, and a packet socket sees each attempt, also of native code and of
child processes. A question to a name server counts wherever the server is. Where the kernel permits no such network,
`guarded` has Python itself report connections and look-ups of names (`audit_guard`), which misses native code.
"""

import ctypes
import fcntl
import os
import select
import shutil
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Literal, NamedTuple

LOOPBACK = "lo"
NAMESPACE = ("unshare", "--user", "--map-root-user", "--net")  # of util-linux
SIOCADDRT, SIOCGIFFLAGS, SIOCSIFFLAGS = 0x890B, 0x8913, 0x8914
SIOCGIFINDEX = 0x8933
IFF_UP, RTF_UP, RTF_LOCAL = 1, 1, 1 << 31
SO_ATTACH_FILTER = 26
ETH_P_ALL = 3
TCP, UDP = 6, 17
DNS_PORTS = {53, 853, 5353, 5355}
BUFFER_BYTES = 1 << 24
QUIET_SECONDS = 0.3  # after the command's end, for packets that are still queued

# Classic BPF: what goes to 127.0.0.0/8 and ::1 by TCP is not even copied, so that Kafka's traffic fills no buffer.
# (code, jump if true, jump if false, constant); a packet begins with its IP header.
FILTER = (
    (0x30, 0, 0, 0),  # first byte
    (0x54, 0, 0, 0xF0),
    (0x15, 0, 4, 0x40),  # version 4?
    (0x30, 0, 0, 9),  # protocol
    (0x15, 6, 0, UDP),  # UDP: accept
    (0x30, 0, 0, 16),  # first byte of the destination
    (0x15, 5, 4, 127),  # loopback: reject, else accept
    (0x30, 0, 0, 6),  # version 6: next header
    (0x15, 2, 0, UDP),  # UDP: accept
    (0x20, 0, 0, 24),  # first four bytes of the destination: 0 in ::1 alone
    (0x15, 1, 0, 0),
    (0x6, 0, 0, 0xFFFF),
    (0x6, 0, 0, 0),
)


class Guarded(NamedTuple):
    """How a command ended, and the destinations that it tried to reach, each once, as "tcp 192.0.2.1:443"."""

    exit_code: int
    output: str
    attempts: list[str]


def unavailable() -> str:
    """Why no such network can be made here; empty where it can."""
    if shutil.which(NAMESPACE[0]) is None:
        return "unshare (util-linux) is not installed"
    tried = subprocess.run([*NAMESPACE, "true"], capture_output=True, text=True, check=False)
    return tried.stderr.strip() if tried.returncode else ""


def guarded(
    command: Sequence[str],
    folder: Path,
    environment: Mapping[str, str],
    guard: Literal["namespace", "audit"] | None = None,
) -> Guarded:
    """Run the command with `folder` as current folder; a report is written next to it.

    Args:
        environment: the only variables of the command.
        guard: which one watches; None: "namespace" where the kernel permits it. "audit" sees what Python code does.
    """
    report = folder.with_name(f"{folder.name}-attempts.json")
    if (guard or ("audit" if unavailable() else "namespace")) == "namespace":
        watched = [*NAMESPACE, sys.executable, __file__, str(report), *command]
        variables = {**environment}
    else:
        watched = list(command)
        start = folder.with_name(f"{folder.name}-start")
        start.mkdir()
        (start / "sitecustomize.py").write_text("import audit_guard\n")
        path = os.pathsep.join((str(start), str(Path(__file__).parent), environment.get("PYTHONPATH", "")))
        variables = {**environment, "PYTHONPATH": path, "NETWORK_GUARD_REPORT": str(report)}
    done = subprocess.run(
        watched,
        cwd=folder,
        env=variables | {"RES_OPTIONS": "attempts:1 timeout:1"},  # no name server answers
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        check=False,
    )
    attempts = report.read_text().splitlines() if report.exists() else []
    return Guarded(done.returncode, done.stdout, list(dict.fromkeys(attempts)))


class Route(ctypes.Structure):
    """`struct rtentry` of linux/route.h."""

    _fields_ = (
        ("pad1", ctypes.c_ulong),
        ("destination", ctypes.c_ubyte * 16),
        ("gateway", ctypes.c_ubyte * 16),
        ("mask", ctypes.c_ubyte * 16),
        ("flags", ctypes.c_ushort),
        ("pad2", ctypes.c_short),
        ("pad3", ctypes.c_ulong),
        ("pad4", ctypes.c_void_p),
        ("metric", ctypes.c_short),
        ("device", ctypes.c_char_p),
        ("mtu", ctypes.c_ulong),
        ("window", ctypes.c_ulong),
        ("irtt", ctypes.c_ushort),
    )


def route_everything_to_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        name = LOOPBACK.encode().ljust(16, b"\0")
        (flags,) = struct.unpack_from("16xh", fcntl.ioctl(control, SIOCGIFFLAGS, name + bytes(24)))
        fcntl.ioctl(control, SIOCSIFFLAGS, name + struct.pack("h22x", flags | IFF_UP))
        (index,) = struct.unpack_from("16xi", fcntl.ioctl(control, SIOCGIFINDEX, name + bytes(24)))
        any_address = (ctypes.c_ubyte * 16)(*struct.pack("=H14x", socket.AF_INET))
        route = Route(
            destination=any_address,
            gateway=any_address,
            mask=any_address,
            flags=RTF_UP,
            device=LOOPBACK.encode(),
        )
        fcntl.ioctl(control, SIOCADDRT, route)
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as control:
            # struct in6_rtmsg: three addresses, type, two lengths, metric, info, flags, interface
            fcntl.ioctl(
                control, SIOCADDRT, struct.pack("48xIHHILIi", 0, 0, 0, 1, 0, RTF_UP | RTF_LOCAL, index)
            )
    except OSError:  # a kernel without IPv6 reaches nothing by it
        pass


class Watch:
    """The destinations of packets on the loopback interface that are not for this machine."""

    def __init__(self) -> None:
        self.attempts: dict[str, None] = {}
        self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(ETH_P_ALL))
        program = b"".join(struct.pack("=HBBI", *instruction) for instruction in FILTER)
        held = ctypes.create_string_buffer(program)
        self._socket.setsockopt(
            socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("HP", len(FILTER), ctypes.addressof(held))
        )
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_BYTES)
        self._socket.bind((LOOPBACK, 0))
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def end(self) -> list[str]:
        self._ended.set()
        self._thread.join()
        return list(self.attempts)

    def _read(self) -> None:
        while True:
            readable, _, _ = select.select([self._socket], [], [], QUIET_SECONDS)
            if readable:
                if (attempt := destination(self._socket.recv(BUFFER_BYTES))) is not None:
                    self.attempts[attempt] = None
            elif self._ended.is_set():
                return


def destination(packet: bytes) -> str | None:
    """Where an IP packet goes, as "udp 192.0.2.1:53"; None for loopback, but for questions to a name server there."""
    if packet[0] >> 4 == 4:
        protocol, address, at = packet[9], ip_address(packet[16:20]), (packet[0] & 15) * 4
    else:
        protocol, address, at = packet[6], ip_address(packet[24:40]), 40
    port = (
        struct.unpack_from("!H", packet, at + 2)[0] if protocol in (TCP, UDP) and len(packet) >= at + 4 else 0
    )
    question = protocol == UDP and port in DNS_PORTS
    if (address.is_loopback or protocol not in (TCP, UDP)) and not question:
        return None
    name = {TCP: "tcp", UDP: "udp"}[protocol]
    return f"{name} {address}:{port}" + (f" ({asked(packet[at + 8 :])})" if question else "")


def asked(message: bytes) -> str:
    """The name that a DNS message asks for."""
    parts, at = [], 12
    while at < len(message) and message[at]:
        parts.append(message[at + 1 : at + 1 + message[at]].decode(errors="replace"))
        at += 1 + message[at]
    return ".".join(parts)


def main(report: str, *command: str) -> None:
    route_everything_to_loopback()
    watch = Watch()
    try:
        code = subprocess.run(command, check=False).returncode
    finally:
        Path(report).write_text("\n".join(watch.end()))
    sys.exit(code)


if __name__ == "__main__":
    main(*sys.argv[1:])
