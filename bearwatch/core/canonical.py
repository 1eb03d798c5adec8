"""The canonical form of a text, which is the same for texts that differ only in links, case or punctuation."""

import html
import re

# Python refuses to read a number of more than 4,300 digits, and a character has seven.
_NO_CHARACTER = re.compile(r"&#[0-9]{8,};?")
_LINK = re.compile(r"https?://\S+|www\.\S+")
_NO_WORD = re.compile(r"[\W_]+")


def canonical(text: str) -> str:
    """The words of a text in lower case, separated by spaces; empty where it has no word."""
    return _NO_WORD.sub(" ", _LINK.sub(" ", html.unescape(_NO_CHARACTER.sub(" ", text)))).casefold().strip()
