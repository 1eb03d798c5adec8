"""The form of a text in which names are looked for, so that one spelling in a watch list finds the usual others.

Accents, ligatures and full-width letters become plain ones; look-alike letters of other scripts, where they stand in
a Latin word, too; hyphens become blanks and `J.P.` becomes `JP`; `&` stands between blanks. Case is kept: a second
text of the same length has it folded.
"""

import re
import unicodedata
from typing import NamedTuple

# What does not decompose, quotes and dashes, and letters that look like Latin ones (Cyrillic, Greek).
PLAIN = str.maketrans(
    {"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "ß": "ss", "æ": "ae", "Æ": "AE", "œ": "oe"}
    | {
        "Œ": "OE",
        "ı": "i",
        "\u00ad": "",
        "\u200b": "",
        "\u200c": "",
        "\u200d": "",
        "\u2060": "",
        "\ufeff": "",
    }
    | dict.fromkeys("‘’‛`´ʼ′", "'")
    | dict.fromkeys("‐‑‒–—―−", "-")
)
LOOK_ALIKE = str.maketrans(
    "АВЕЅІЈКМНОРСТУХасеіјорѕухԁһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧο", "ABESIJKMHOPCTYXaceijopsyxdhqwABEZHIKMNOPTYXo"
)
_ACCENT = re.compile("[\u0300-\u036f]")
_WORD = re.compile("[A-Za-z\u0370-\u052f]+")
_INITIALS = re.compile(r"(?<!\w)(?:[A-Za-z]\.)++(?:[A-Za-z](?!\w))?+")
_AND = re.compile(r"\s*+&\s*+")
_BLANK = re.compile(r"[\s\-_/]+")


class Comparable(NamedTuple):
    plain: str  # accents and look-alikes replaced, nothing else
    cased: str
    folded: str  # the same length: position for position the lower case


def comparable(text: str) -> Comparable:
    """The form of a text, or of a name, in which both are compared; it takes linear time."""
    plain = cased = text if text.isascii() else _plain(text)
    if "." in cased:
        cased = _INITIALS.sub(_without_dots, cased)
    if "&" in cased:
        cased = _AND.sub(" & ", cased)
    cased = _BLANK.sub(" ", cased).strip()
    folded = cased.lower()
    if len(folded) != len(cased):
        folded = "".join(lower if len(lower := each.lower()) == 1 else each for each in cased)
    return Comparable(plain, cased, folded)


def _plain(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text.translate(PLAIN))
    return _WORD.sub(_latin, unicodedata.normalize("NFC", _ACCENT.sub("", decomposed)).translate(PLAIN))


def _latin(word: re.Match[str]) -> str:
    letters = word[0]
    mixed = not letters.isascii() and any("A" <= each <= "z" for each in letters)
    return letters.translate(LOOK_ALIKE) if mixed else letters


def _without_dots(initials: re.Match[str]) -> str:
    """`J.P.` as `JP`; the rest of `J.P.Morgan` becomes a word of its own; `T.` alone keeps its dot."""
    found = initials[0]
    if found.count(".") + (found[-1] != ".") < 2:
        return found
    following = initials.string[initials.end() : initials.end() + 1]
    return found.replace(".", "") + (" " if following.isalnum() else "")


def is_ideograph(character: str) -> bool:
    """Whether the character is of a script that puts no blank between words: Chinese, and Japanese kana."""
    return "\u3040" <= character <= "\u30ff" or "\u3400" <= character <= "\u9fff" or character >= "\U00020000"


def joins(left: str, right: str) -> bool:
    """Whether two neighbouring characters belong to one word, so that no name ends between them."""
    return (
        (left.isalnum() or left == "_")
        and (right.isalnum() or right == "_")
        and not (is_ideograph(left) or is_ideograph(right))
    )
