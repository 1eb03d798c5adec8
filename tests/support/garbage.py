"""Records that are not messages, or only almost: of any JSON topic, and made of a good message."""

import json
from collections.abc import Iterator
from typing import Any

NOT_MESSAGES: tuple[bytes | None, ...] = (
    None,
    b"",
    b" ",
    b"\x00",
    b"\xff\xfe\xfd",
    b"null",
    b"true",
    b"3",
    b"1e999",
    b"NaN",
    b'"text"',
    b"[]",
    b"{}",
    b"[" * 100_000,
    b'{"a":' * 20_000,
    b'{"state": "firing"}',
    b'{"state": "acknowledged"}',
    b'{"state": null, "state": []}',
    b'{"state": "firing", "id": "\xed\xa0\x80"}',
    b'{"n": "' + b"x" * 200_000 + b'"}',
    b'{"schema_version": 1e400}',
    bytes(range(256)) * 10,
)
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**63, 10**400, 1e308, -1e308, 5e-324, "", "x" * 10_000, "\x1b[2J[/x]\u202e", "%s{}", [], [[]],
    {}, {"a": 1}, [None], "0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59.999999-23:59", "1970-01-01T00:00:00Z",
    "2026-11-24T12:00:00", "news/topic:" + "k" * 5000, "news/topic:[/x]\n", "news/", "/:", "surge\n",
)  # fmt: skip


def almost(message: dict[str, Any]) -> Iterator[bytes]:
    """The message with an odd value for each field in turn, and without each field."""
    for name in message:
        yield json.dumps({key: value for key, value in message.items() if key != name}).encode()
        for odd in ODD_VALUES:
            yield json.dumps({**message, name: odd}).encode()
    yield json.dumps({**message, "unknown": {"a": [1]}}).encode()
