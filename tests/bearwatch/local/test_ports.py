"""Ports: one that is given stays free until its taker has it, and no two takers get the same."""

import socket

import pytest

from bearwatch.local import ports
from bearwatch.local.ports import FIRST_PORT, HOST, LAST_PORT, free_port, is_free


def test_no_port_is_one_that_the_system_gives_to_connections():
    """A connection of another process could take it between this call and the server's start."""
    given = [free_port() for _ in range(200)]
    assert len(set(given)) == 200
    assert all(FIRST_PORT <= port <= LAST_PORT for port in given)
    with socket.create_server((HOST, 0)) as anything:
        assert not FIRST_PORT <= anything.getsockname()[1] <= LAST_PORT


def test_a_port_in_use_is_not_given(monkeypatch: pytest.MonkeyPatch):
    with socket.create_server((HOST, free_port())) as server:
        taken = server.getsockname()[1]
        monkeypatch.setattr(ports, "_candidates", iter([taken, other := free_port()]))
        assert not is_free(taken)
        assert free_port() == other
