"""What a feed may send: each bad record becomes one dead letter, the good ones around it are counted exactly."""

import json
import random
import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest
from exactness import counted, records
from kafka import KafkaProducer
from keyword_model import write_keyword_model
from one_worker import OneWorker

from bearwatch.local.kafka import LocalKafka
from stream.classify.dead_letters import VALUE_BYTES
from stream.kafka.topics import TopicNames, create_topics

MINUTES_30_MS = 30 * 60 * 1000
LONGEST_TEXT = 900_000
ESCAPES = "\x1b]0;owned\x07\x1b[31m<script>alert(1)</script>"
GOOD_AROUND = 300


class Bad(NamedTuple):
    """A record that must become a dead letter."""

    what: str
    value: bytes | None
    reason: str  # a part of it
    kind: str = "document"  # of the metric
    ahead_ms: int = 0  # how far ahead of the clock it is stamped


def document(text: str = "oil negative", **changes: object) -> bytes:
    """A document, with fields changed or, where None is given, left out."""
    fields = {"id": "d1", "text": text, "published_at": "2026-01-02T03:04:05Z", "source": "wire", **changes}
    return json.dumps({name: value for name, value in fields.items() if value is not None}).encode()


BAD = [
    Bad("broken JSON", b'{"id": "d1", "text"', "invalid JSON", "json"),
    Bad("nothing", b"", "invalid JSON", "json"),
    Bad("no UTF-8", b'{"id": "\xff\xfe"}', "invalid UTF-8", "json"),
    Bad(
        "a lone surrogate", document(source="SURROGATE").replace(b"SURROGATE", rb"\ud800"), "invalid", "json"
    ),
    Bad("a tombstone", None, "no value", "json"),
    Bad("an array", b"[1, 2]", "Expected `object`, got `array`"),
    Bad("a missing field", document(source=None), "missing required field `source`"),
    Bad("a mistyped field", document(text=7), "Expected `str`, got `int` - at `$.text`"),
    Bad("a text that is null", document().replace(b'"oil negative"', b"null"), "at `$.text`"),
    Bad("an empty text", document(""), "at `$.text`"),
    Bad("a text of links", document("https://t.co/x www.example.com"), "text is empty", "text"),
    Bad("a text of markup", document("<p>&nbsp;</p>\u200b"), "text is empty", "text"),
    Bad("a date without offset", document(published_at="2026-01-02T03:04:05"), "at `$.published_at`"),
    Bad("a date that does not exist", document(published_at="2026-02-30T00:00:00Z"), "at `$.published_at`"),
    Bad("a date in 2099", document(published_at="2099-01-01T00:00:00Z"), "published_at 2099", "timestamp"),
    Bad("a record stamped ahead", document(), "ahead of the clock", "timestamp", MINUTES_30_MS),
    Bad("nested brackets", b"[" * 1000, "Expected `object`, got `array`"),
    Bad("nested brackets in a field", b'{"x":' + b"[" * 1000 + b"]" * 1000 + b"}", "invalid", "json"),
    Bad("a megabyte", b"x" * 1_000_000, "invalid JSON", "json"),
    Bad("an id of a megabyte", document(id="x" * 1_000_000), "at `$.id`"),
    Bad("another schema", document(schema_version=2), "at `$.schema_version`"),
]

# Valid, however odd: text, and what else the document holds. A text that stands twice is one story.
ODD = [
    document("bank negative the same id"),
    document("bank negative the same id"),
    document("bank neutral " + "filler " * (LONGEST_TEXT // 7)),
    document("bank neutral published in 1970", published_at="1970-01-01T00:00:00Z"),
    document("bank neutral published in the year 1", published_at="0001-01-01T00:00:00+14:00"),
    document("bank neutral escapes " + ESCAPES, source=ESCAPES, url=ESCAPES, id="\u0000"),
    document("bank neutral unknown field", unknown={"deep": [1, 2, 3]}),
    document("bank negative long address", url="https://example.com/" + "x" * 1_000_000),
    document("bank negative more", url="https://example.com/" + "y" * 1_000_000),
]
ODD_COUNTS = {"documents": 9, "negative_documents": 4, "stories": 8}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_keyword_model(tmp_path_factory.mktemp("model"))


def send_all(broker: str, topic: str) -> dict[str, tuple[int, int]]:
    """Bad, odd and plain documents in random order; returns where each bad one stands."""
    plain = [(document(f"oil neutral n{number}"), 0) for number in range(GOOD_AROUND)]
    odd = [(each, 0) for each in ODD]
    mixed: list[tuple[bytes | None, int]] = [*plain, *odd, *((each.value, each.ahead_ms) for each in BAD)]
    random.Random(1).shuffle(mixed)
    now_ms = int(time.time() * 1000)
    with KafkaProducer(bootstrap_servers=broker, max_request_size=2**21) as producer:
        sent = [
            producer.send(topic, value, key=f"{number}".encode(), timestamp_ms=now_ms + ahead)
            for number, (value, ahead) in enumerate(mixed)
        ]
        places = [(each.partition, each.offset) for each in (future.get(30) for future in sent)]
    found = {each.what: places[mixed.index((each.value, each.ahead_ms))] for each in BAD}
    assert len(set(found.values())) == len(BAD)
    return found


def test_bad_records_among_good_ones(broker: LocalKafka, prefix: str, model: Path, tmp_path: Path):
    create_topics(broker.connection, names := TopicNames(prefix), partitions=2)
    places = send_all(broker.bootstrap, names.news)
    with OneWorker(tmp_path, broker.bootstrap, prefix, model) as worker:
        good = GOOD_AROUND + len(ODD)
        worker.wait_until(
            f"{good} documents are counted", lambda: counted(broker.bootstrap, names)[1] >= good
        )
        letters = list(records(broker.bootstrap, names.dead_letters))
        check_letters(letters, places, names.news)
        check_counts(broker.bootstrap, names)
        assert worker.metric("bearwatch_documents_total", stream="news", outcome="classified") == good
        assert worker.metric("bearwatch_documents_total", stream="news", outcome="dead_letter") == len(BAD)
        for kind, number in Counter(each.kind for each in BAD).items():
            assert worker.metric("bearwatch_dead_letters_total", stream="news", reason=kind) == number, kind
        old = worker.metric("bearwatch_old_documents_total", stream="news")
        assert old == good, "all of them were published long ago"
        assert worker.log.count("documents were published more than an hour before their Kafka records") == 1
        worker.wait_until("it serves", lambda: worker.state() == "serving")
        worker.wait_until("nothing waits", lambda: '"lag": 0' in (worker.get("/healthz") or ""))


def check_letters(letters: list, places: dict[str, tuple[int, int]], topic: str) -> None:
    found = {}
    for letter in letters:
        headers = {name: value.decode() for name, value in letter.headers}
        cut = {"length", "sha256"} if len(letter.value or b"") == VALUE_BYTES else set()
        assert headers.keys() == {"reason", "topic", "partition", "offset"} | cut
        assert headers["topic"] == topic
        found.setdefault((int(headers["partition"]), int(headers["offset"])), []).append(
            (letter.value, headers["reason"])
        )
    assert found.keys() == set(places.values())
    for bad in BAD:
        ((value, reason),) = found[places[bad.what]]
        assert value == (bad.value and bad.value[:VALUE_BYTES]), bad.what
        assert bad.reason in reason, bad.what
        assert len(reason) < 200 and reason.isprintable(), bad.what


def check_counts(broker: str, names: TopicNames) -> None:
    panes, _ = counted(broker, names)
    sums: dict[str, Counter[str]] = {}
    for (key, _), counts in panes.items():
        sums.setdefault(key, Counter()).update(
            {name: getattr(counts, name) for name in ("documents", "negative_documents", "stories")}
        )
    assert sums.keys() == {"news/topic:Energy | Oil", "news/topic:Financials"}
    oil = sums["news/topic:Energy | Oil"]
    assert (oil["documents"], oil["negative_documents"], oil["stories"]) == (GOOD_AROUND, 0, GOOD_AROUND)
    assert dict(sums["news/topic:Financials"]) == ODD_COUNTS
