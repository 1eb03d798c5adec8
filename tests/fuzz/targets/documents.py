"""Records of the input topics, and the texts that are in them."""

import random

import msgspec
from generation import raw, texts, trees

from bearwatch.core.canonical import canonical
from models import text as text_module
from models.classifier import Classification, Prediction
from models.text import normalise
from stream.classify import document as document_module
from stream.classify.document import classified, examine, story_of
from stream.classify.result_producer import DeadLetter
from stream.messages import DEAD_LETTER_REASONS, BadDocument, Classified, Origin, decode_document, encode
from targets.target import Target, pack, unpack

NOW = 1_800_000_000.0
ORIGIN = Origin("bearwatch.news", 3, 17)
ANSWER = Classification(
    {"topic": Prediction("Energy | Oil", 0.9), "sentiment": Prediction("negative", 0.8)}, "model", "engine"
)
LONGEST_RECORD = 64 * 1024  # of `classified`; Kafka takes 1 MiB
SAMPLE = {
    "id": "d1",
    "text": "Oil &amp; gas <b>burns</b> at https://t.co/x",
    "published_at": "2026-01-02T03:04:05+01:00",
    "source": "Wire",
    "url": "https://wire.example/oil/1",
    "title": "Oil",
    "author": "kim",
    "language": "en-GB",
    "tickers": ["ACMEX", "OILCO"],
    "schema_version": 1,
}
STAMPS = (
    NOW,
    NOW,
    NOW,
    NOW - 1e6,
    0.0,
    -1.0,
    -0.001,
    NOW + 299,
    NOW + 301,
    2.0**63 / 1000,
    -(2.0**63) / 1000,
)


def document(rng: random.Random) -> bytes:
    return raw.damaged(rng, trees.as_json(rng, trees.changed(rng, SAMPLE)))


def record(rng: random.Random) -> bytes:
    value = None if rng.random() < 0.01 else document(rng)
    return pack(value, rng.choice(STAMPS))


def check_record(given: bytes) -> bool:
    value, event_time = unpack(given)
    try:
        examined = examine(value, event_time, NOW, 300.0)
    except BadDocument as bad:
        assert bad.kind in DEAD_LETTER_REASONS
        assert len(bad.reason) < 500 and bad.reason.isprintable(), bad.reason
        assert DeadLetter(value, ORIGIN, bad).headers
        return False
    assert decode_document(encode(examined.document)) == examined.document
    assert normalise(examined.text) == examined.text
    for message in classified(examined, "comments", ANSWER, ORIGIN):
        encoded = encode(message)
        assert len(encoded) < LONGEST_RECORD
        assert not examined.document.author or message.source != examined.document.author
        assert msgspec.json.decode(encoded, type=Classified) == message
    return True


def any_text(rng: random.Random) -> bytes:
    text = str(SAMPLE["text"])
    for _ in range(rng.choice((1, 2, 3, 6))):
        text = texts.mutated(rng, text)
    return text[:100_000].encode("utf-8", "surrogatepass")


def check_text(given: bytes) -> bool:
    text = given.decode("utf-8", "surrogatepass")
    normal = normalise(text)
    assert normalise(normal) == normal
    assert not texts_escape(normal)
    assert len(story_of(normal)) == 16
    assert canonical(normal) == canonical(normal).strip()
    return bool(normal)


def texts_escape(text: str) -> bool:
    """Whether a terminal would act on it, or UTF-8 could not hold it."""
    return any(ord(each) < 32 or 0xD800 <= ord(each) < 0xE000 for each in text)


TARGETS = (
    Target("document", (document_module, decode_document, encode), record, check_record, 200_000),
    Target("text", (text_module, canonical), any_text, check_text, 40_000),
)
