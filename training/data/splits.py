"""The position of a text in [0, 1) by its hash, by which data are split: a text never changes its side."""

import hashlib

from bearwatch.core.canonical import canonical


def hash_position(text: str, salt: str = "") -> float:
    """Where the canonical form of a text lies in [0, 1): uniformly distributed, and the same on every machine.

    Another salt gives a position that is independent of the first.
    """
    digest = hashlib.sha256(f"{salt}\0{canonical(text)}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
