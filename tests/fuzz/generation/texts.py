"""Texts, numbers and times at the limits of what a format allows, and changes of a valid text."""

import random
from collections.abc import Callable

ODD_TEXTS = (
    "",
    " ",
    "\x00",
    "\ufeff",
    "\ud800",  # half a character
    "\udfff\ud800",
    "\u202eevil\u202c",  # read from right to left
    "\u200b\u2060",
    "\u2028\u2029\x85",
    "e" + "\u0301" * 8,
    "\u0344\u0345\u0323",
    "👩‍👩‍👧‍👦",
    "\U0010ffff",
    "ﷺ",
    "İ",
    "ß",
    "١٢٣",
    "²",
    "[/x]",
    "[red]",
    "\x1b]0;owned\x07\x1b[31m",
    "<script>alert(1)</script>",
    "&amp;amp;lt;&#x0;&#1114112;&bogus;",
    "%s%n{0}{{",
    "../../etc/passwd",
    "file:///etc/passwd",
    "javascript:alert(1)",
    "http://[::1",
    "http://[",
    "https://example.com/\r\nSet-Cookie: a=b",
    "'; DROP TABLE documents; --",
    "=cmd|' /C calc'!A0",
    "\r",
    "\n",
    "\r\n",
    '"',
    "\\",
    "\\u0000",
    ",",
    ";",
    "\t",
    "news/topic:",
    "news/topic:Energy | Oil",
    "comments/entity:ACME",
    "-",
    "NaN",
    "Infinity",
    "null",
    "true",
    "0",
    "1e400",
    "٠",
)
NUMBERS = (
    "0", "-0", "-0.0", "1", "-1", "2", "0.5", "1e-320", "1e308", "1e309", "-1e309", "1E400", "NaN", "Infinity",
    "2147483648", "4294967296", "9007199254740993", "9223372036854775807", "9223372036854775808",
    "-9223372036854775808", "-9223372036854775809", "18446744073709551616", "1" * 400, "0." + "0" * 400 + "1",
    "253402300799", "253402300800", "-62135596801", "1e15", "00", "1.", ".5", "+1", "0x10", "1_000",
)  # fmt: skip
BEFORE_TIME = ("", "", "", "", "-", "+", " ", "0", "x")
YEARS = ("2026", "2026", "1970", "1969", "0001", "0000", "9999", "10000", "2100", "26")
DAYS = ("01-01", "12-31", "02-29", "02-30", "06-15", "1-1", "13-01", "00-00")
CLOCKS = (
    "00:00:00",
    "23:59:59",
    "23:59:60",
    "24:00:00",
    "12:00",
    "00:00:00.000000001",
    "12:30:45.5",
    "99:99:99",
)
ZONES = (
    "Z",
    "Z",
    "z",
    "+00:00",
    "-00:00",
    "+14:00",
    "-14:00",
    "+23:59",
    "-23:59",
    "+24:00",
    "+0100",
    "",
    " ",
)


def moment(rng: random.Random) -> str:
    """Something like an RFC 3339 time: mostly valid, often at the ends of what a datetime can hold."""
    separator = rng.choice(("T", "T", "T", "t", " ", ""))
    return (
        f"{rng.choice(BEFORE_TIME)}{rng.choice(YEARS)}-{rng.choice(DAYS)}{separator}{rng.choice(CLOCKS)}"
        f"{rng.choice(ZONES)}"
    )


def long_text(rng: random.Random) -> str:
    """One short text repeated some hundred or some thousand times."""
    unit = rng.choice(
        (*ODD_TEXTS[1:], "a", "a ", "<", "&", "&amp;", "<b ", "http://", "\u0301\u0323", "x\u0300")
    )
    return rng.choice(("", "a", "<", "[")) + unit * rng.choice((100, 300, 1000, 3000))


def text(rng: random.Random) -> str:
    """A text that no valid sample holds."""
    pick = rng.random()
    if pick < 0.45:
        return rng.choice(ODD_TEXTS)
    if pick < 0.6:
        return moment(rng)
    if pick < 0.65:
        return long_text(rng)
    if pick < 0.75:
        return rng.choice(NUMBERS)
    limit = rng.choice((0x7F, 0x7F, 0xFF, 0xFFFF, 0x10FFFF))
    return "".join(chr(rng.randint(0, limit)) for _ in range(rng.randint(1, 12)))


def mutated(rng: random.Random, value: str) -> str:
    """The text with one change; short texts are sometimes replaced."""
    return rng.choice(_CHANGES)(rng, value)


def _place(rng: random.Random, value: str) -> int:
    return rng.randint(0, len(value))


def _insert(rng: random.Random, value: str) -> str:
    at = _place(rng, value)
    return value[:at] + text(rng) + value[at:]


def _cut(rng: random.Random, value: str) -> str:
    return value[: _place(rng, value)]


def _drop(rng: random.Random, value: str) -> str:
    begin, end = sorted((_place(rng, value), _place(rng, value)))
    return value[:begin] + value[end:]


def _repeat(rng: random.Random, value: str) -> str:
    begin, end = sorted((_place(rng, value), _place(rng, value)))
    return value[:end] + value[begin:end] * rng.choice((1, 2, 50)) + value[end:]


def _case(rng: random.Random, value: str) -> str:
    return rng.choice((str.upper, str.lower, str.title, str.swapcase))(value)


def _character(rng: random.Random, value: str) -> str:
    at = _place(rng, value)
    return value[:at] + chr(rng.choice((rng.randint(0, 127), rng.randint(0, 0x10FFFF)))) + value[at + 1 :]


def _another(rng: random.Random, value: str) -> str:
    return text(rng)


_CHANGES: tuple[Callable[[random.Random, str], str], ...] = (
    _insert, _insert, _cut, _drop, _repeat, _case, _character, _character, _another,
)  # fmt: skip
