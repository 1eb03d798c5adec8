"""Fills the placeholders of a text template from a random generator.

A placeholder is `{name}` (an element of a named list; `{name2}` is another element of it), `{up|down}` (one of these),
or `{1.0..9.5}` (a number with as many decimals). An element may have placeholders itself. A name has one value in a
text.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence

Slots = Mapping[str, Sequence[str]]

_PLACEHOLDER = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"(\d+(?:\.(\d+))?)\.\.(\d+(?:\.\d+)?)")
_NAME = re.compile(r"[a-z_]+\d?")


def render(template: str, slots: Slots, rng: random.Random, known: Mapping[str, str]) -> str:
    """`template` with every placeholder filled; `known` gives the values of names that are already chosen."""
    chosen = dict(known)
    used: set[str] = set()

    def fill(placeholder: re.Match[str]) -> str:
        content: str = placeholder[1]
        if "|" in content:
            return rng.choice(content.split("|"))
        if number := _NUMBER.fullmatch(content):
            return _number(number, rng)
        if content not in chosen:
            options = slots[content.rstrip("0123456789")]
            drawn = rng.choice([option for option in options if option not in used] or options)
            used.add(drawn)
            chosen[content] = render(drawn, slots, rng, known)
        return chosen[content]

    return _PLACEHOLDER.sub(fill, template)


def faults(template: str, names: set[str]) -> Iterator[str]:
    """What is wrong with a template, given the names that exist."""
    if re.search(r"[{}]", _PLACEHOLDER.sub("", template)):
        yield "unbalanced or nested braces"
    for content in _PLACEHOLDER.findall(template):
        if "|" in content or _NUMBER.fullmatch(content):
            continue
        if not _NAME.fullmatch(content):
            yield f"{{{content}}} is neither a name, a choice nor a range"
        elif content.rstrip("0123456789") not in names:
            yield f"there is no list named {content!r}"


def _number(match: re.Match[str], rng: random.Random) -> str:
    decimals = len(match[2] or "")
    return f"{rng.uniform(float(match[1]), float(match[3])):,.{decimals}f}"
