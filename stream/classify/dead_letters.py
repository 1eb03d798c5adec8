"""What becomes of a record that cannot be accepted: no more than a broker takes, whatever the record holds. Pure."""

import hashlib
from dataclasses import dataclass

from bearwatch.core.printable import brief
from stream.messages import BadDocument, Origin

VALUE_BYTES = 512_000  # half of what a broker takes by default; the first part of a longer value
REASON_CHARACTERS = 500


@dataclass(frozen=True)
class DeadLetter:
    """A record that is not fit for the model, or a batch of them that cannot be read, as it came."""

    original: bytes | None
    origin: Origin  # of a batch, its first record
    bad: BadDocument  # why
    last_offset: int | None = None  # of a batch

    @property
    def value(self) -> bytes | None:
        """What is kept of the original."""
        return self.original if self.original is None else self.original[:VALUE_BYTES]

    @property
    def key(self) -> bytes:
        return f"{self.origin.topic}/{self.origin.partition}/{self.origin.offset}".encode()

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """Reason and coordinates; length and SHA-256 (hexadecimal) of an original that is kept in part."""
        headers = [
            ("reason", brief(self.bad.reason, REASON_CHARACTERS).encode()),
            ("topic", self.origin.topic.encode()),
            ("partition", str(self.origin.partition).encode()),
            ("offset", str(self.origin.offset).encode()),
        ]
        if self.last_offset is not None:
            headers.append(("last_offset", str(self.last_offset).encode()))
        if self.original is not None and len(self.original) > VALUE_BYTES:
            headers.append(("length", str(len(self.original)).encode()))
            headers.append(("sha256", hashlib.sha256(self.original).hexdigest().encode()))
        return headers
