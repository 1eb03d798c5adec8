"""Text from outside without control characters: an escape sequence in a headline must not reach the terminal."""

import json


def printable(text: str) -> str:
    """The text with a dot for each character that is not printable. (A document's `source` is not normalised.)"""
    return "".join(character if character.isprintable() else "·" for character in text)


def printable_json(encoded: bytes) -> str:
    """JSON as one line with the same content, in which characters that are not printable are escaped."""
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in encoded.decode())
