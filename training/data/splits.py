"""Which texts are the same, and which share of the data a text belongs to: by hash, so it never changes."""

import hashlib
import html
import re

_LINK = re.compile(r"https?://\S+|www\.\S+")
_NO_WORD = re.compile(r"[\W_]+")


def canonical(text: str) -> str:
    """The words of a text: texts with the same words are the same, whatever their links, case, punctuation."""
    return _NO_WORD.sub(" ", _LINK.sub(" ", html.unescape(text))).casefold().strip()


def hash_share(text: str, salt: str = "") -> float:
    """Where the text falls in [0, 1), evenly and for ever. Another salt gives an independent place."""
    digest = hashlib.sha256(f"{salt}\0{canonical(text)}".encode()).digest()
    return int.from_bytes(digest[:8]) / 2**64
