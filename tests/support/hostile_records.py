"""Record batches that feeds and enemies have sent or may send, and what must become of each."""

import json
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

import cramjam
from aiokafka.codec import gzip_encode, lz4_encode
from raw_batches import CODECS, Entry, batch, records, varint

KEYWORDS = "bank negative"  # the words of the keyword model that every document here begins with
MINUTE_MS = 60_000
BOMB_BYTES = 400 * 2**20
MARKS = "\u0301\u0327" * 16_000  # of two classes, in an order that normalising must change

HEADERS = {
    "a header name that is not UTF-8": ((b"\xff\xfe", b"x"),),
    "ten thousand headers": ((b"n", b"v"),) * 10_000,
    "a header of 300 kB": ((b"n" * 150_000, b"v" * 150_000),),
    "headers without a value": ((b"n", None), (b"", None), (b"", b"")),
    "headers that look like ours": ((b"unreadable", b"no"), (b"first_offset", b"-1")),
}
KEYS = {
    "an empty key": b"",
    "a key of 100 kB": b"k" * 100_000,
    "a key that is not UTF-8": b"\xff\x00\xfe",
    "the key of a tick": b"tick",
}


class Hostile(NamedTuple):
    """What is sent and what it leads to."""

    what: str
    batch: bytes
    documents: int = 0  # to be counted
    reason: str | None = None  # a part of the one dead letter's
    last_offset: bool = False  # whether the dead letter stands for the batch


def document(number: int, now_ms: int, text: str = KEYWORDS, **changes: object) -> bytes:
    """A good one; `number` makes its story."""
    published = f"{1970 + now_ms // 31_556_952_000}-01-01T00:00:00Z"
    fields = {"id": f"h{number}", "text": f"{text} n{number}", "published_at": published, "source": "hostile"}
    return json.dumps(fields | changes).encode()


@cache
def bomb(codec: str) -> bytes:
    """One record of BOMB_BYTES, compressed: 400 kB as gzip, 40 kB as zstd."""
    inside = b"\x00\x00\x00" + varint(-1) + varint(BOMB_BYTES)
    head = varint(len(inside) + BOMB_BYTES + 1) + inside
    compressor = zlib.compressobj(9, wbits=31) if codec == "gzip" else cramjam.zstd.Compressor(3)
    parts = []
    for piece in (head, *(bytes(2**20) for _ in range(BOMB_BYTES // 2**20)), b"\x00"):
        made = compressor.compress(piece)
        if codec == "gzip":
            parts.append(bytes(made))
    parts.append(bytes(compressor.flush() if codec == "gzip" else compressor.finish()))
    return b"".join(parts)


@dataclass(frozen=True)
class Bundle:
    """Makes what is sent at one time; `number` keeps the stories of several bundles apart."""

    number: int
    now_ms: int

    def all(self) -> list[Hostile]:
        """One of each kind."""
        return [*self._documents(), *self._rejected(), *self._unreadable()]

    def _document(self, what: str = "", **changes: object) -> bytes:
        return document(self.number, self.now_ms, f"{KEYWORDS} {what}", **changes)

    def _batch(self, *entries: Entry, codec: str = "none", at: int = 0, **options: Any) -> bytes:
        return batch(entries, codec=CODECS[codec], timestamp=self.now_ms + at, **options)

    def _documents(self) -> Iterator[Hostile]:
        for name in CODECS:
            three = (Entry(self._document(f"{name} {each}")) for each in range(3))
            yield Hostile(f"three by {name}", self._batch(*three, codec=name), 3)
        for what, headers in HEADERS.items():
            for codec in ("none", "zstd"):
                entry = Entry(self._document(f"{what} {codec}"), None, headers)
                yield Hostile(f"{what}, {codec}", self._batch(entry, codec=codec), 1)
        for what, key in KEYS.items():
            yield Hostile(what, self._batch(Entry(self._document(what), key)), 1)
        emoji = "".join(chr(0x1F300 + (self.number + each) % 700) for each in range(512))
        odd = {
            "marks": self._document("a" + MARKS),
            "vowels of two marks each": self._document("a" + "\u0f73" * 20_000),
            "emoji": self._document("emoji", source=emoji),
            "escapes": self._document("escapes", source="\x1b[31m\u202e[/x]<script>", author="\x00"),
            "an address of marks": self._document("address", url="https://example.com/" + MARKS),
        }
        for what, value in odd.items():
            yield Hostile(what, self._batch(Entry(value)), 1)
        yield Hostile("stamped ahead", self._batch(Entry(self._document("ahead")), at=4 * MINUTE_MS), 1)

    def _rejected(self) -> Iterator[Hostile]:
        late = self._document(published_at="2099-01-01T00:00:00Z")
        values = {
            "no value": None,
            "invalid JSON": b'{"id": "d1", "text"',
            "invalid UTF-8": b'{"id": "\xff\xfe"}',
            "invalid": b'{"x":' + b"[" * 5000,
            "published_at 2099": late,
        }
        for reason, value in values.items():
            yield Hostile(reason, self._batch(Entry(value)), 0, reason)
        fine = Entry(self._document())
        for stamp in (-1, -7, -(2**62)):
            sent = self._batch(fine, at=stamp - self.now_ms)
            yield Hostile(f"stamped {stamp}", sent, 0, "no timestamp")
        yield Hostile("from tomorrow", self._batch(fine, at=50 * MINUTE_MS), 0, "ahead of the clock")
        for codec in ("gzip", "snappy", "lz4", "zstd"):
            sent = self._batch(Entry(b"x" * 5 * 2**20), codec=codec)
            yield Hostile(f"5 MiB by {codec}", sent, 0, "5242880 bytes are too many")
        sent = self._batch(Entry(self._document("long " * 2**20)), codec="zstd")
        yield Hostile("a document of 5 MiB", sent, 0, "bytes are too many")

    def _unreadable(self) -> Iterator[Hostile]:
        fine = Entry(self._document())
        behind = {
            "gzip": gzip_encode(records([fine])) + b"garbage",
            "lz4": lz4_encode(records([fine])) + b"garbage garbage",
        }
        sent = [
            *(
                (self._batch(stored=bomb(name), codec=name, count=1), "holds more than")
                for name in ("gzip", "zstd")
            ),
            *(
                (self._batch(stored=each, codec=name, count=1), f"not valid {name}")
                for name, each in behind.items()
            ),
            *((self._batch(fine._replace(delta=delta)), f"offset is {delta}") for delta in (5_000_000, -3)),
            (self._batch(fine._replace(delta=0), fine._replace(delta=0)), "offset is 0"),
            (self._batch(fine._replace(attributes=0xFF)), "a record"),
        ]
        for made, reason in sent:
            yield Hostile(reason, made, 0, reason, True)
