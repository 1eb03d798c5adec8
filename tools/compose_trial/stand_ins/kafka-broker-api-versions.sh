#!/usr/bin/env python3
"""Asks a broker for its API versions, as the command of this name does: `--bootstrap-server HOST:PORT`."""

import socket
import struct
import sys

host, port = sys.argv[sys.argv.index("--bootstrap-server") + 1].split(":")
with socket.create_connection((host, int(port)), timeout=5) as connection:
    connection.sendall(struct.pack(">ihhih", 10, 18, 0, 1, -1))
    sys.exit(len(connection.recv(4)) != 4)
