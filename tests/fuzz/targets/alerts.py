"""Records of `alerts` and `rates` as people's tools read them, up to the pages; queries of the pages; keys."""

import functools
import random
from datetime import UTC, datetime
from types import SimpleNamespace
from urllib.parse import quote

import msgspec
from aiohttp import web
from generation import raw, texts, trees

from alerting.evidence import acknowledgements, wording
from alerting.evidence import history as history_module
from alerting.evidence import pages as pages_module
from alerting.evidence.acknowledgements import decode
from alerting.evidence.history import AlertHistory
from alerting.evidence.pages import alert_page, list_page
from alerting.evidence.server import Evidence
from bearwatch.core.key import Key
from bearwatch.core.printable import escaped
from bearwatch.terminal import alert_text
from stream.kafka.connection import KafkaConnection
from stream.kafka.follow import Follower
from stream.messages import Rate
from targets.asked import answer
from targets.target import Target, pack, unpack

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
STORY = {
    "text": "Refinery burns after explosion",
    "source": "Wire",
    "url": "https://wire.example/1",
    "probability": 0.9,
    "words": ["burns", "explosion"],
    "model": "m",
}
ALERT = {
    "id": "0123456789abcdef", "key": "news/topic:Energy | Oil", "stream": "news", "topic": "Energy | Oil",
    "kind": "surge", "severity": "critical", "state": "firing", "window_start": "2026-11-24T11:45:00Z",
    "window_end": "2026-11-24T12:00:00Z", "detected_at": "2026-11-24T12:00:05Z", "documents": 12, "stories": 10,
    "negative_stories": 9, "sources": 5, "baseline_ratio": 0.2, "lift": 4.5, "score": 9.0, "p_value": 1e-9,
    "evidence": [STORY, STORY], "model": "m", "policy": "p", "historical": False, "schema_version": 1,
}  # fmt: skip
ANSWER = {
    "id": "0123456789abcdef", "key": "news/topic:Energy | Oil", "state": "acknowledged", "by": "Kim", "note": "on it",
    "at": "2026-11-24T12:01:00Z", "until": "2026-11-24T14:01:00+02:00", "silence": "s1", "schema_version": 1,
}  # fmt: skip
RATE = {
    "key": "news/topic:Energy | Oil", "stream": "news", "topic": "Energy | Oil", "window_seconds": 900,
    "window_end": "2026-11-24T12:00:00Z", "documents": 12, "negative_documents": 10, "stories": 10,
    "negative_stories": 9, "sources": 5, "negative_ratio": 0.9, "baseline_ratio": 0.2, "score": 9.0, "p_value": 1e-9,
    "schema_version": 1,
}  # fmt: skip


def follower(kind: str, take: "list[object]") -> Follower[object]:
    reader = decode if kind == "alerts" else msgspec.json.Decoder(Rate).decode
    return Follower(KafkaConnection("localhost:9092"), kind, reader, take.append)


def messages(rng: random.Random) -> bytes:
    """Some records of one alert, the first of them mostly valid."""
    samples = [ALERT, *rng.choices((ALERT, ANSWER, {**ALERT, "state": "resolved"}), k=rng.randint(0, 2))]
    return pack(*(raw.damaged(rng, trees.as_json(rng, trees.changed(rng, each, 2)), 0.1) for each in samples))


def check_messages(given: bytes) -> bool:
    history, taken = AlertHistory(20), []
    reader = follower("alerts", taken)
    for value in unpack(given):
        reader._accept(SimpleNamespace(topic="alerts", partition=0, offset=1, value=value, headers=()))
    for message in taken:
        assert decode(msgspec.json.encode(message)) == message
        history.add(message)
    records = history.newest_first()
    assert "\x1b" not in list_page(records, NOW)
    for record in records:
        page = alert_page(record, NOW)
        assert "<script" not in page and "javascript:" not in page.replace("javascript:alert(1)", "")
        shown = [alert_text.row(record, NOW), alert_text.as_json(record), *alert_text.page(record, NOW)]
        assert all(line.isprintable() for line in shown)
        assert history.newest_of(record.labels, NOW) is not None or record.since > NOW
        history.resolved_since(record.alert.id)
    return bool(records)


def rate(rng: random.Random) -> bytes:
    return raw.damaged(rng, trees.as_json(rng, trees.changed(rng, RATE)))


def check_rate(given: bytes) -> bool:
    taken: list[object] = []
    follower("rates", taken)._accept(
        SimpleNamespace(topic="rates", partition=0, offset=1, value=given, headers=())
    )
    for message in taken:
        assert msgspec.json.decode(msgspec.json.encode(message), type=Rate) == message
    return bool(taken)


QUERY = {"stream": "news", "topic": "Energy | Oil", "kind": "surge", "at": "1764000000"}
PATHS = ("/alerts", "/alerts/{}", "/alerts/{}.json", "/runbooks", "/runbooks/{}", "/healthz", "/{}")
NAMES = ("0123456789abcdef", "Surge", "by-key")


def request(rng: random.Random) -> bytes:
    """A path with a query, encoded as a browser does, or not."""
    name = rng.choice(NAMES) if rng.random() < 0.5 else texts.text(rng)
    path, query = rng.choice(PATHS), {}
    if rng.random() < 0.7:
        path, query = "/alerts/by-key", trees.changed(rng, QUERY)
    encode = quote if rng.random() < 0.8 else str
    parts = [
        f"{encode(shown(key))}={encode(shown(value)[:2000])}"
        for key, value in (query.items() if isinstance(query, dict) else ())
    ]
    address = path.format(quote(name[:500].encode("utf-8", "surrogatepass"))) + (
        "?" + "&".join(parts) if parts else ""
    )
    return address.encode("utf-8", "surrogatepass")


def shown(value: object) -> str:
    written = value.written if isinstance(value, trees.Raw) else str(value)
    return written.encode("utf-8", "replace").decode()


@functools.cache
def pages() -> web.Application:
    evidence = Evidence(lambda: NOW)
    for each in (ALERT, ANSWER, {**ALERT, "id": "fedcba9876543210", "state": "resolved"}):
        evidence.history.add(decode(msgspec.json.encode(each)))
    evidence.seen()
    app = evidence.app()
    app.freeze()
    return app


def check_request(given: bytes) -> bool:
    try:
        found = answer(pages(), "GET", given.decode("utf-8", "replace"))
    except ValueError:  # aiohttp answers 400 itself
        return False
    except web.HTTPException as refused:
        assert refused.status in (404, 405)
        return False
    assert found.status in (200, 302, 400, 404)
    assert not (set("\r\n") & set("".join(found.headers.values())))
    return found.status < 400


def key(rng: random.Random) -> bytes:
    text = rng.choice(("news/topic:Energy | Oil", "comments/entity:ACME", "news/source:Wire: the/first"))
    for _ in range(rng.choice((0, 1, 1, 2))):
        text = texts.mutated(rng, text)
    return text.encode("utf-8", "surrogatepass")


def check_key(given: bytes) -> bool:
    text = given.decode("utf-8", "surrogatepass")
    try:
        found = Key.parse(text)
    except ValueError as error:
        assert len(str(error)) < 1000
        return False
    assert str(found) == text and Key.parse(str(found)) == found
    assert (found.labels[found.dimension] == found.name) == (escaped(found.name) == found.name)
    return True


SHOWN = (acknowledgements, history_module, pages_module, wording, alert_text)
TARGETS = (
    Target("alerts", (*SHOWN, Follower._accept), messages, check_messages, 25_000),
    Target("rates", (Follower._accept,), rate, check_rate, 60_000),
    Target("pages", (Evidence,), request, check_request, 15_000),
    Target("keys", (Key,), key, check_key, 120_000),
)
