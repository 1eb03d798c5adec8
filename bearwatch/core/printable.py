"""Text from outside as it may be shown: in a terminal, a page, a log, a notification.

An escape sequence in a headline must not reach a terminal, and characters that turn the direction of writing, or have
no width, must not make a text look like another one. `str.isprintable` is false for all of them, and for line and
paragraph separators, lone surrogates and characters that Unicode does not define.
"""

import json
import unicodedata

BRIEF_CHARACTERS = 200


def printable(text: str) -> str:
    """The text in one line: a space for each kind of space, a dot for every other character that is not printable.

    A byte of a file name that is not UTF-8 is written as an escape, such as `\\udcff`.
    """
    return text if text.isprintable() else "".join(map(_shown, text))


def brief(text: object, longest: int = BRIEF_CHARACTERS) -> str:
    """The beginning of a printable text, for an error or a log that repeats what came; a cut is marked with `…`."""
    whole = printable(str(text)[: longest + 1])  # an escape is longer than what it stands for
    return whole if len(whole) <= longest else f"{whole[: longest - 1]}…"


def printable_lines(text: str) -> str:
    """The same for a text of several lines, which it keeps; lines end with a line feed only."""
    return "\n".join(map(printable, text.split("\n")))


def _shown(character: str) -> str:
    if not is_hidden(character):
        return character if character.isprintable() else " "
    return ascii(character)[1:-1] if unicodedata.category(character) == "Cs" else "·"


def is_hidden(character: str) -> bool:
    """Whether it is neither printable nor a kind of space."""
    return not character.isprintable() and unicodedata.category(character) != "Zs"


def escaped(text: str) -> str:
    """The text with JSON's escape for each hidden character but the line feed, so that two texts stay different."""
    if text.isprintable():
        return text
    return "".join(json.dumps(c)[1:-1] if is_hidden(c) and c != "\n" else c for c in text)


def printable_json(encoded: bytes) -> str:
    """JSON as one line with the same content, in which characters that are not printable are escaped."""
    text = encoded.decode()
    return text if text.isprintable() else "".join(map(_escaped, text))


def _escaped(character: str) -> str:
    if character in "\t\r\n":  # not inside a string, where JSON has them escaped already
        return " "
    return character if character.isprintable() else json.dumps(character)[1:-1]
