"""Text from outside without control characters: an escape sequence in a headline must not reach the terminal."""

import json


def printable(text: str) -> str:
    """Without what a terminal would obey: a feed's `source` is not normalised as a text is."""
    return "".join(character if character.isprintable() else "·" for character in text)


def printable_json(encoded: bytes) -> str:
    """One line of JSON with the same content, in which what a terminal would obey is escaped."""
    return "".join(each if each.isprintable() else json.dumps(each)[1:-1] for each in encoded.decode())
