"""Text from outside as it may be shown: in a terminal, a page, a log, a notification.

An escape sequence in a headline must not reach a terminal, and characters that turn the direction of writing, or have
no width, must not make a text look like another one. `str.isprintable` is false for all of them, and for line and
paragraph separators, lone surrogates and characters that Unicode does not define.
"""

import json
import unicodedata


def printable(text: str) -> str:
    """The text in one line: a space for each kind of space, a dot for every other character that is not printable."""
    return text if text.isprintable() else "".join(map(_shown, text))


def printable_lines(text: str) -> str:
    """The same for a text of several lines, which it keeps; lines end with a line feed only."""
    return "\n".join(map(printable, text.split("\n")))


def _shown(character: str) -> str:
    if character.isprintable():
        return character
    return " " if unicodedata.category(character) == "Zs" else "·"


def printable_json(encoded: bytes) -> str:
    """JSON as one line with the same content, in which characters that are not printable are escaped."""
    text = encoded.decode()
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    return character if character.isprintable() else json.dumps(character)[1:-1]
