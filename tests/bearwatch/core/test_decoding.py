"""JSON from outside: one kind of error, whose message can be shown."""

import msgspec
import pytest

from bearwatch.core.decoding import decode_json
from bearwatch.core.printable import brief


class Word(msgspec.Struct):
    text: str
    kind: str = ""


def test_what_fits_is_decoded():
    assert decode_json(b'{"text": "oil", "unknown": 1}', Word) == Word("oil")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "truncated"),
        (b"{", "truncated"),
        (b'{"text": "\xff"}', "not UTF-8: invalid start byte"),
        (b'{"text": "\xed\xa0\x80"}', "not UTF-8"),
        (b'{"text": "\\ud800 and more"}', "surrogate"),
        (b'{"a":' * 5000, "nested too deeply"),
        (b'{"text": ' + b"[" * 100_000, "Expected `str`, got `array`"),
        (b'{"text": 1}', r"Expected `str`, got `int` - at `\$.text`"),
        (b'{"text": 1e400}', "out of range"),
    ],
)
def test_what_does_not_fit_is_one_kind_of_error(content: bytes, reason: str):
    with pytest.raises(msgspec.DecodeError, match=reason) as refused:
        decode_json(content, Word)
    assert len(str(refused.value)) <= 200


@pytest.mark.parametrize("piece", ["\x1b[31m", "\u202e", "\r\n", "x" * 100_000, "\x00"])
def test_what_an_error_repeats_of_the_content_can_be_shown(piece: str):
    from stream.ingest.lines import Routing

    with pytest.raises(msgspec.ValidationError) as refused:
        decode_json(msgspec.json.encode({"stream": piece}), Routing)
    assert str(refused.value).isprintable() and len(str(refused.value)) <= 200


def test_a_short_text_stays_as_it_is():
    assert brief("naïve – 世界") == "naïve – 世界"
    assert brief("abcdef", 4) == "abc…"
    assert brief("a\x1b[0m\u202eb\n") == "a·[0m·b·"
    assert len(brief("\ud800" * 200)) == 200
