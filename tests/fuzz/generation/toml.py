"""TOML files changed line by line: other values, keys twice or mistyped, nests, tables in place of values."""

import random
from collections.abc import Sequence

from generation.raw import damaged
from generation.texts import NUMBERS, moment, mutated, text

VALUES = (
    "true", "[]", "{}", '""', "inf", "-inf", "nan", "[1, 2]", "[[1]]", '["a"]', "{a = 1}", "{a = {b = {}}}",
    "1979-05-27", "07:32:00", "1979-05-27T07:32:00Z", "0x7fff", "1_000", "-1", "0", "1e400",
    "'''a\nb'''", '"""\\\n a"""', '"\\uD800"',
)  # fmt: skip


def value(rng: random.Random) -> str:
    """A value as TOML writes it, not always rightly."""
    pick = rng.random()
    if pick < 0.4:
        return rng.choice(VALUES)
    if pick < 0.6:
        return rng.choice(NUMBERS)
    if pick < 0.7:
        return moment(rng)
    if pick < 0.73:
        depth = rng.choice((10, 200, 2000))
        opening, closing = rng.choice((("[", "]"), ("{a=", "}")))
        return opening * depth + "1" + closing * depth
    quote = rng.choice(('"', "'", '"""'))
    return quote + text(rng) + quote


def changed(rng: random.Random, samples: Sequence[str], most: int = 3) -> bytes:
    """One of the samples with none to `most` changed lines, and sometimes with damaged bytes."""
    lines = rng.choice(samples).splitlines()
    for _ in range(rng.choice((0, *range(1, most + 1)))):
        if not lines:
            break
        at = rng.randrange(len(lines))
        lines[at : at + 1] = _change(rng, lines[at], lines)
    written = "\n".join(lines) + rng.choice(("", "\n", "\r\n"))
    return damaged(rng, written.encode("utf-8", "surrogatepass"), 0.12)


def _change(rng: random.Random, line: str, lines: list[str]) -> list[str]:
    key, equals, _ = line.partition("=")
    match rng.randrange(9):
        case 0 | 1 | 2 | 3 if equals:
            return [f"{key}= {value(rng)}"]
        case 4:
            return []
        case 5:
            return [line, rng.choice(lines)]
        case 6:
            return [mutated(rng, line)]
        case 7 if equals:
            return [f"{mutated(rng, key.strip())} = {value(rng)}"]
        case 8:
            return [
                line,
                rng.choice(
                    ("[a]", "[[a]]", "a.b.c = 1", "[" + "a." * rng.choice((2, 300)) + "a]", "unknown = 1")
                ),
            ]
        case _:
            return [f"{key}= {value(rng)}"]
