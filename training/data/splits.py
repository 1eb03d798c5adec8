"""Which share of the data a text belongs to: by hash, so it never changes."""

import hashlib

from bearwatch.core.canonical import canonical


def hash_share(text: str, salt: str = "") -> float:
    """Where the text falls in [0, 1), evenly and for ever. Another salt gives an independent place."""
    digest = hashlib.sha256(f"{salt}\0{canonical(text)}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
