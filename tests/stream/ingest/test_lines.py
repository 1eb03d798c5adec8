"""Ingest: which lines are sent, how they are stamped, and what is said about the others."""

import io
import json
import os
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kafka import KafkaConsumer, TopicPartition
from kafka.partitioner.default import murmur2
from waiting import PATIENCE_SECONDS

from bearwatch.local.kafka import LocalKafka
from stream.errors import StreamError
from stream.ingest.lines import numbered_lines, read_entry
from stream.ingest.producer import MAX_DOCUMENT_BYTES, DocumentProducer
from stream.ingest.timestamps import Entry, HistoryTimestamps, ReplayTimestamps
from stream.kafka.topics import TopicNames, create_topics
from stream.messages import BadDocument

START = datetime(2025, 3, 1, 12, tzinfo=UTC)
START_MS = int(START.timestamp() * 1000)
ROOT = Path(__file__).parents[1]
COMMAND = [sys.executable, "-c", "from bearwatch.cli import main; main()", "ingest"]


def line(number: int, **fields: Any) -> bytes:
    published = (START + timedelta(seconds=number)).isoformat()
    document = {
        "id": f"d{number}",
        "text": "Oil falls",
        "published_at": published,
        "source": "wire",
        **fields,
    }
    return json.dumps(document).encode()


def entry(seconds: float, stream: str = "news") -> Entry:
    return Entry(stream, "d", START + timedelta(seconds=seconds), b"{}")


def bearwatch(*arguments: str, lines: bytes = b"") -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [*COMMAND, *arguments], input=lines, capture_output=True, timeout=PATIENCE_SECONDS, cwd=ROOT
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def records(broker: LocalKafka, topic: str) -> list[Any]:
    """Everything in a topic, by partition and offset."""
    consumer = KafkaConsumer(bootstrap_servers=broker.bootstrap, auto_offset_reset="earliest")
    try:
        partitions = [
            TopicPartition(topic, number) for number in sorted(consumer.partitions_for_topic(topic) or ())
        ]
        consumer.assign(partitions)
        ends = consumer.end_offsets(partitions)
        found: list[Any] = []
        while any(consumer.position(partition) < ends[partition] for partition in partitions):
            for batch in consumer.poll(timeout_ms=1000).values():
                found.extend(batch)
        return sorted(found, key=lambda record: (record.partition, record.offset))
    finally:
        consumer.close()


@pytest.fixture
def names(broker: LocalKafka, prefix: str) -> TopicNames:
    names = TopicNames(prefix)
    create_topics(broker.connection, names)
    return names


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_a_line_over_the_limit_is_passed_over_and_numbers_stay_right(ending: bytes) -> None:
    file = io.BytesIO(b"12345678\n\n  \n123456789\nab\n" + b"x" * 200_000 + b"\nlast" + ending)
    assert list(numbered_lines(file, 8)) == [(1, b"12345678"), (4, None), (5, b"ab"), (6, None), (7, b"last")]


def test_an_over_long_line_is_never_held_whole() -> None:
    class Endless(io.RawIOBase):
        largest = 0
        left = 50_000_000

        def readline(self, size: int | None = -1, /) -> bytes:
            assert size is not None and size > 0
            self.largest = max(self.largest, size)
            self.left -= size
            return b"x" * size if self.left > 0 else b"\n"

    file = Endless()
    assert next(numbered_lines(file)) == (1, None)  # type: ignore[arg-type]
    assert file.largest <= MAX_DOCUMENT_BYTES + 1


def test_the_stream_is_the_flag_or_else_the_field() -> None:
    assert read_entry(line(0, stream="comments"), None).stream == "comments"
    assert read_entry(line(0, stream="comments"), "news").stream == "news"
    assert read_entry(line(0), "news").document == line(0)
    with pytest.raises(BadDocument, match="no field `stream` and no --stream"):
        read_entry(line(0), None)
    with pytest.raises(BadDocument, match="stream"):
        read_entry(line(0, stream="tweets"), None)


def test_history_is_stamped_with_its_publication() -> None:
    stamp = HistoryTimestamps({"news": None, "comments": START_MS}.__getitem__, now=START + timedelta(days=1))
    assert stamp(entry(0)) == START_MS
    assert stamp(entry(900.5)) == START_MS + 900_500
    assert stamp(entry(301)) == START_MS + 301_000  # less than ten minutes out of order
    assert stamp(entry(300.5, "comments")) == START_MS + 300_500
    with pytest.raises(BadDocument, match="sort history by published_at"):
        stamp(entry(300.4))
    with pytest.raises(BadDocument, match="in the future"):
        stamp(entry(86_400 + 301))
    assert stamp(entry(86_400 + 300)) == START_MS + 86_700_000
    with pytest.raises(BadDocument, match="before 1970"):
        stamp(Entry("news", "d", datetime(1969, 12, 31, tzinfo=UTC), b"{}"))


def test_history_is_refused_by_a_topic_that_holds_later_records() -> None:
    now = START + timedelta(days=1)
    with pytest.raises(StreamError, match=r"news already holds records up to 2025-03-01T12:00:00\.001"):
        HistoryTimestamps(lambda _: START_MS + 1, now)(entry(0))
    assert HistoryTimestamps(lambda _: START_MS, now)(entry(0)) == START_MS


def test_a_replay_keeps_the_gaps_at_its_speed() -> None:
    now, waits = 100.0, list[float]()

    def sleep(seconds: float) -> None:
        nonlocal now
        waits.append(seconds)
        now += seconds

    stamp = ReplayTimestamps(10, clock=lambda: now, sleep=sleep)
    for seconds in (0, 20, 20, 15, 50):
        assert stamp(entry(seconds)) is None  # type: ignore[func-returns-value]
    assert waits == [0, 2, 0, 0, 3]


def test_a_senders_records_have_their_key_and_time(broker: LocalKafka, names: TopicNames) -> None:
    with DocumentProducer(broker.connection, names) as sender:
        for number in range(100):
            sender.send("news", line(number), f"d{number}", START_MS + number)
        sender.flush()
        assert sender.sent == 100
    found = records(broker, names.news)
    assert {record.key: (record.value, record.timestamp) for record in found} == {
        f"d{number}".encode(): (line(number), START_MS + number) for number in range(100)
    }
    assert all(record.partition == (murmur2(record.key) & 0x7FFFFFFF) % 4 for record in found)
    assert len({record.partition for record in found}) == 4


def test_a_sender_needs_its_topics(broker: LocalKafka, prefix: str) -> None:
    with pytest.raises(StreamError, match=f"{prefix}news does not exist"):
        DocumentProducer(broker.connection, TopicNames(prefix))


def test_a_broker_that_stops_answering_is_an_error(broker: LocalKafka, names: TopicNames) -> None:
    sender = DocumentProducer(broker.connection, names, delivery_seconds=1)
    with pytest.raises(StreamError, match="did not take a document"), sender:
        sender.send("news", line(1), "d1")
        sender.flush()
        broker.pause()
        try:
            sender.send("news", line(1), "d1")
            sender.flush()
        finally:
            broker.resume()


def test_bad_lines_are_told_by_number_and_the_others_sent(broker: LocalKafka, names: TopicNames) -> None:
    bad = [b"{broken", b"\xff\xfe", b"[1]", b"[" * 1000, line(6, text="x" * 10_000_000), line(7, text="")]
    lines = [line(1), *bad, line(8, text="y" * 900_000), line(9)]
    before = datetime.now(UTC) - timedelta(seconds=5)
    done = bearwatch(
        "-",
        "--stream",
        "comments",
        "--broker",
        broker.bootstrap,
        "--prefix",
        names.prefix,
        lines=b"\n".join(lines),
    )
    assert done.returncode == 1
    *refusals, summary = done.stderr.splitlines()
    assert [refusal.split(":")[0] for refusal in refusals] == [f"line {number}" for number in range(2, 8)]
    assert summary == "3 sent, 6 refused"
    found = records(broker, names.comments)
    assert {record.key for record in found} == {b"d1", b"d8", b"d9"}
    assert all(record.timestamp >= before.timestamp() * 1000 for record in found)


def test_history_goes_in_once(broker: LocalKafka, names: TopicNames, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_bytes(
        b"\n".join(line(number, stream=("news", "comments")[number % 2]) for number in range(50))
    )
    arguments = (str(file), "--history", "--broker", broker.bootstrap, "--prefix", names.prefix)
    first = bearwatch(*arguments)
    assert (first.returncode, first.stderr) == (0, "50 sent, 0 refused\n")
    assert sorted(record.timestamp for record in records(broker, names.news)) == [
        START_MS + 1000 * number for number in range(0, 50, 2)
    ]
    again = bearwatch(*arguments)
    assert again.returncode == 1
    assert "already holds records up to" in again.stderr and "Traceback" not in again.stderr
    assert len(records(broker, names.news)) == 25


def test_an_interruption_keeps_what_was_sent(broker: LocalKafka, names: TopicNames) -> None:
    process = subprocess.Popen(
        [*COMMAND, "-", "--stream", "news", "--broker", broker.bootstrap, "--prefix", names.prefix],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=ROOT,
    )
    assert process.stdin is not None
    process.stdin.write(line(1) + b"\n" + line(2) + b"\n")
    process.stdin.flush()
    while len(records(broker, names.news)) < 2:
        assert process.poll() is None
    os.kill(process.pid, signal.SIGINT)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, errors) == (130, b"2 sent, 0 refused\n")


def test_wrong_use_is_said() -> None:
    both = bearwatch("-", "--history", "--speed", "2", "--broker", "127.0.0.1:1")
    assert both.returncode == 2 and "leave out --speed" in both.stderr
    missing = bearwatch("no-such-file.jsonl", "--broker", "127.0.0.1:1")
    assert missing.returncode == 2 and "No such file" in missing.stderr
