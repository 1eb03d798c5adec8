"""Lines of feeds, live and as history; the file of a feed's progress; lines given to `bearwatch classify`."""

import io
import random
from datetime import UTC, datetime
from typing import Any, NamedTuple

from generation import raw, trees

from bearwatch.commands.classify import BadLineError, parse, whole_lines
from stream.errors import StreamError
from stream.ingest import lines as lines_module
from stream.ingest import timestamps
from stream.ingest.feeds import FileFeed, read_progress
from stream.ingest.lines import ingest, numbered_lines
from stream.ingest.timestamps import HistoryTimestamps, live_timestamp
from stream.messages import decode_document
from targets.documents import NOW, SAMPLE
from targets.target import Target, pack, scratch, unpack, written

LIMIT = 4000  # of a line, so that some are longer
LINE = {**SAMPLE, "stream": "news"}
FEED = str((scratch() / "feed.jsonl").absolute())
PROGRESS = {"feed": FEED, "started": NOW, "sent_until": 120.0, "lines": 1, "history": True}


class Producer:
    """Stands for `DocumentProducer`; a document may hold anything in fields that are ignored, as UTF-8 or not."""

    def __init__(self) -> None:
        self.documents: list[Sent] = []

    @property
    def sent(self) -> int:
        return len(self.documents)

    def send(self, *sent: Any) -> None:
        self.documents.append(Sent(*sent))

    def flush(self) -> None: ...


class Sent(NamedTuple):
    """As it was sent."""

    stream: str
    document: bytes
    key: str
    timestamp_ms: int | None


def line(rng: random.Random) -> bytes:
    sample = LINE | {"published_at": f"2026-{rng.randint(1, 12):02}-01T00:{rng.randint(0, 59):02}:00Z"}
    return trees.as_json(rng, trees.changed(rng, sample, 2)).replace(b"\n", b" ")


def lines(rng: random.Random) -> bytes:
    ends = (b"\n", b"\n", b"\n", b"\r\n", b"\n\n", b"\r", b" \n")
    content = b"".join(line(rng) + rng.choice(ends) for _ in range(rng.randint(1, 4)))
    return pack(rng.random() < 0.5, rng.choice((None, None, "news", "comments")), raw.damaged(rng, content))


def check_lines(given: bytes) -> bool:
    history, stream, content = unpack(given)
    producer, rejected = Producer(), []
    found = list(numbered_lines(io.BytesIO(content), LIMIT))
    assert [number for number, _ in found] == sorted({number for number, _ in found})
    assert all(each is None or (each and len(each) <= LIMIT) for _, each in found)
    assign = (
        HistoryTimestamps(lambda _: None, datetime.fromtimestamp(NOW, UTC)) if history else live_timestamp
    )

    def reject(number: int, reason: str) -> None:
        assert reason.isprintable() and len(reason) < 500, reason
        rejected.append(number)

    ingest(iter(found), stream, assign, producer, reject)
    assert producer.sent + len(rejected) == len(found)
    for sent in producer.documents:
        assert sent.stream == (stream or sent.stream) and sent.stream in ("news", "comments")
        assert (sent.timestamp_ms is not None) == history
        assert sent.timestamp_ms is None or 0 <= sent.timestamp_ms <= (NOW + 300) * 1000
        assert decode_document(sent.document).id == sent.key
        sent.key.encode()
    return bool(producer.sent)


def progress(rng: random.Random) -> bytes:
    state = raw.damaged(rng, trees.as_json(rng, trees.changed(rng, PROGRESS, 2)))
    return pack(state, b"".join(line(rng) + b"\n" for _ in range(3)))


def check_progress(given: bytes) -> bool:
    state, content = unpack(given)
    written("feed.jsonl", content)
    path = written("feed.json", state.replace(b"FEED", FEED.encode()))
    producer, rejected = Producer(), []
    try:
        feed = FileFeed(
            producer, lambda _: None, path, scratch() / "feed.jsonl", lambda *each: rejected.append(each)
        )
        feed.catch_up(NOW)
    except StreamError:
        return False
    return producer.sent + len(rejected) <= content.count(b"\n")


def classify_lines(rng: random.Random) -> bytes:
    content = b"".join(line(rng) + b"\n" for _ in range(rng.randint(1, 3)))
    return pack(rng.random() < 0.7, raw.damaged(rng, content))


def check_classify_lines(given: bytes) -> bool:
    jsonl, content = unpack(given)
    accepted = 0
    for each in (each for chunk in whole_lines(io.BytesIO(content)) for each in chunk if each.strip()):
        try:
            text, record = parse(each, jsonl)
        except BadLineError as error:
            assert str(error)
        else:
            assert "text" in record and text.encode()
            accepted += 1
    return bool(accepted)


TARGETS = (
    Target("feed-lines", (lines_module, timestamps), lines, check_lines, 80_000),
    Target(
        "feed-progress",
        (FileFeed.__init__, FileFeed.catch_up, read_progress),
        progress,
        check_progress,
        15_000,
    ),
    Target("classify-lines", (parse, whole_lines), classify_lines, check_classify_lines, 40_000),
)
