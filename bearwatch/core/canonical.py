"""The canonical form of a text: what stays the same when only links, case or punctuation differ."""

import html
import re

_LINK = re.compile(r"https?://\S+|www\.\S+")
_NO_WORD = re.compile(r"[\W_]+")


def canonical(text: str) -> str:
    """The words of a text in lower case, separated by blanks; empty where it has no word."""
    return _NO_WORD.sub(" ", _LINK.sub(" ", html.unescape(text))).casefold().strip()
