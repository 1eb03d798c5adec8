"""Values of options that several commands share."""

import click
import pytest

from bearwatch.options import Address


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("127.0.0.1:9209", ("127.0.0.1", 9209)),
        ("[::1]:1", ("::1", 1)),
        ("h.example:65535", ("h.example", 65535)),
    ],
)
def test_an_address_is_a_host_and_a_port(value: str, expected: tuple[str, int]):
    assert Address().convert(value, None, None) == expected
    assert Address().convert(expected, None, None) == expected  # click converts a default again


@pytest.mark.parametrize(
    "value",
    [
        "9209",
        ":9209",
        "host:",
        "host:0",
        "host:65536",
        "host:x",
        "host:-1",
        "host:٣",
        "[::1:1",
        "::1]:1",
        "a..b:1",
    ],
)
def test_what_is_not_an_address_is_an_error(value: str):
    with pytest.raises(click.BadParameter, match=r"is not HOST:PORT, as in 127\.0\.0\.1:9209"):
        Address().convert(value, None, None)
