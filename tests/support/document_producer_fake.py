"""Stands for `stream.ingest.producer.DocumentProducer` in tests: keeps the documents instead of sending them."""

import json
from typing import Any, NamedTuple


class Sent(NamedTuple):
    """One document as it would have been sent."""

    stream: str
    document: dict[str, Any]
    key: str
    timestamp_ms: int | None


class FakeProducer:
    """`documents` holds what was sent; with `interrupt_after`, Ctrl-C comes once so many have been sent."""

    def __init__(self, interrupt_after: int | None = None) -> None:
        self.documents: list[Sent] = []
        self._interrupt_after = interrupt_after

    @property
    def sent(self) -> int:
        return len(self.documents)

    @property
    def keys(self) -> list[str]:
        return [each.key for each in self.documents]

    @property
    def timestamps(self) -> list[int | None]:
        return [each.timestamp_ms for each in self.documents]

    def send(self, stream: str, document: bytes, key: str, timestamp_ms: int | None = None) -> None:
        if self.sent == self._interrupt_after:
            raise KeyboardInterrupt
        self.documents.append(Sent(stream, json.loads(document), key, timestamp_ms))

    def flush(self) -> None: ...
