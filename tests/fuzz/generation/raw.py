"""Changes of bytes, whatever they mean: cut, flipped, doubled, not UTF-8, a mark at the beginning."""

import random

PIECES = (
    b"\x00", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"\xc0\x80", b"\xf4\x90\x80\x80", b"\r", b"\n",
    b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"=", b"#", b"'", b"\x80" * 8, b"\xc1", b"\xde\xff\xff",
)  # fmt: skip


def damaged(rng: random.Random, content: bytes, ratio: float = 0.25) -> bytes:
    """The content, with this probability changed in one to three places."""
    if rng.random() >= ratio:
        return content
    for _ in range(rng.randint(1, 3)):
        content = _change(rng, content)
    return content


def _change(rng: random.Random, content: bytes) -> bytes:
    at = rng.randint(0, len(content))
    match rng.randrange(7):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + rng.choice(PIECES) + content[at:]
        case 2:
            return content[:at] + bytes([rng.randrange(256)]) + content[at + 1 :]
        case 3:
            end = min(len(content), at + rng.randint(1, 40))
            return content[:end] + content[at:end] * rng.choice((1, 1, 30)) + content[end:]
        case 4:
            return content[:at] + content[at + rng.randint(1, 40) :]
        case 5:
            return rng.choice(PIECES) + content
        case _:
            return content[:at] + rng.randbytes(rng.randint(1, 16)) + content[at:]
