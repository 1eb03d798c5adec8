"""A dead letter is the record as it came, as far as a broker takes it, and why it was rejected."""

import hashlib

import pytest

from stream.classify.dead_letters import REASON_CHARACTERS, VALUE_BYTES, DeadLetter
from stream.classify.result_producer import REQUEST_BYTES
from stream.messages import BadDocument, Origin

ORIGIN = Origin("bearwatch.news", 3, 17)


def letter(original: bytes | None, reason: str = "why", last_offset: int | None = None) -> DeadLetter:
    return DeadLetter(original, ORIGIN, BadDocument(reason), last_offset)


@pytest.mark.parametrize("original", [None, b"", b"\xff\x00", b"x" * VALUE_BYTES])
def test_up_to_the_limit_it_is_the_original_and_nothing_more_is_said(original: bytes | None):
    assert letter(original).value == original
    assert dict(letter(original).headers) == {
        "reason": b"why",
        "topic": b"bearwatch.news",
        "partition": b"3",
        "offset": b"17",
    }
    assert letter(original).key == b"bearwatch.news/3/17"


@pytest.mark.parametrize("size", [VALUE_BYTES + 1, 2**20, 5 * 2**20])
def test_of_a_longer_one_it_is_the_first_part_with_the_length_and_hash_of_the_whole(size: int):
    original = bytes(range(256)) * (size // 256) + b"\xff" * (size % 256)
    found = letter(original)
    assert found.value == original[:VALUE_BYTES]
    headers = dict(found.headers)
    assert int(headers["length"]) == size
    assert headers["sha256"].decode() == hashlib.sha256(original).hexdigest()


def test_a_batch_has_its_last_offset_too():
    assert dict(letter(b"x", last_offset=20).headers)["last_offset"] == b"20"


@pytest.mark.parametrize(
    "reason", ["\x1b[31m" * 400_000, "\ud800", "\u202e" * 2**20, "\U0001f4a3" * 2**20, "a\nb"]
)
def test_whatever_the_reason_holds_it_can_be_sent_and_printed(reason: str):
    found = letter(b"x" * 2**22, reason)
    shown = dict(found.headers)["reason"].decode()
    assert shown.isprintable() and len(shown) <= REASON_CHARACTERS
    size = (
        len(found.value or b"") + len(found.key) + sum(len(name) + len(each) for name, each in found.headers)
    )
    assert size < REQUEST_BYTES / 1.9
