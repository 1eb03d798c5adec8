"""Fill the gaps of a text template at random, but the same for the same random generator.

A gap is `{name}` (a draw from a named list; `{name2}` is another draw from it), `{up|down}` (one of these), or
`{1.0..9.5}` (a number with as many decimals). What is drawn may have gaps itself. A name means the same
wherever it stands in one text.
"""

import random
import re
from collections.abc import Iterator, Mapping, Sequence

Slots = Mapping[str, Sequence[str]]

_GAP = re.compile(r"\{([^{}]*)\}")
_NUMBER = re.compile(r"(\d+(?:\.(\d+))?)\.\.(\d+(?:\.\d+)?)")
_NAME = re.compile(r"[a-z_]+\d?")


def render(template: str, slots: Slots, rng: random.Random, known: Mapping[str, str]) -> str:
    """`template` with every gap filled; names in `known` are settled already."""
    chosen = dict(known)
    used: set[str] = set()

    def fill(gap: re.Match[str]) -> str:
        content: str = gap[1]
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

    return _GAP.sub(fill, template)


def faults(template: str, names: set[str]) -> Iterator[str]:
    """What is wrong with a template, given the names that exist."""
    if re.search(r"[{}]", _GAP.sub("", template)):
        yield "unbalanced or nested braces"
    for content in _GAP.findall(template):
        if "|" in content or _NUMBER.fullmatch(content):
            continue
        if not _NAME.fullmatch(content):
            yield f"{{{content}}} is neither a name, a choice nor a range"
        elif content.rstrip("0123456789") not in names:
            yield f"there is no list named {content!r}"


def _number(match: re.Match[str], rng: random.Random) -> str:
    decimals = len(match[2] or "")
    return f"{rng.uniform(float(match[1]), float(match[3])):,.{decimals}f}"
