"""`bearwatch ingest`: which lines are sent, and what is printed about the others."""

import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from ingested import START_MS, line, records
from kafka import KafkaAdminClient
from kafka.admin import ConfigResource, ConfigResourceType
from waiting import PATIENCE_SECONDS

from bearwatch.local.kafka import LocalKafka
from stream.kafka.topics import TopicNames, create_topics

COMMAND = [sys.executable, "-m", "bearwatch", "ingest"]
FOLDER = Path(__file__).parent  # without a settings file


def bearwatch(*arguments: str, lines: bytes = b"") -> "subprocess.CompletedProcess[str]":
    done = subprocess.run(
        [*COMMAND, *arguments], input=lines, capture_output=True, timeout=PATIENCE_SECONDS, cwd=FOLDER
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def names(broker: LocalKafka, prefix: str) -> TopicNames:
    names = TopicNames(prefix)
    create_topics(broker.connection, names)
    return names


def test_bad_lines_are_reported_by_number_and_the_other_lines_sent(
    broker: LocalKafka, names: TopicNames
) -> None:
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
    *reports, summary = done.stderr.splitlines()
    assert [report.split(":")[0] for report in reports] == [f"line {number}" for number in range(2, 8)]
    assert summary == "3 sent, 6 rejected"
    found = records(broker.connection, names.comments)
    assert {record.key for record in found} == {b"d1", b"d8", b"d9"}
    assert all(record.timestamp >= before.timestamp() * 1000 for record in found)


def test_history_is_sent_once(broker: LocalKafka, names: TopicNames, tmp_path: Path) -> None:
    file = tmp_path / "history.jsonl"
    file.write_bytes(
        b"\n".join(line(number, stream=("news", "comments")[number % 2]) for number in range(50))
    )
    arguments = (str(file), "--history", "--broker", broker.bootstrap, "--prefix", names.prefix)
    first = bearwatch(*arguments)
    assert (first.returncode, first.stderr) == (0, "50 sent, 0 rejected\n")
    assert sorted(record.timestamp for record in records(broker.connection, names.news)) == [
        START_MS + 1000 * number for number in range(0, 50, 2)
    ]
    again = bearwatch(*arguments)
    assert again.returncode == 1
    assert "already holds records up to" in again.stderr and "Traceback" not in again.stderr
    assert len(records(broker.connection, names.news)) == 25


def test_history_is_refused_where_the_broker_sets_the_timestamps(
    broker: LocalKafka, names: TopicNames
) -> None:
    """Three days of history lay in one window, and nobody was told; live documents may be stamped on arrival."""
    topic = ConfigResource(
        ConfigResourceType.TOPIC, names.comments, {"message.timestamp.type": "LogAppendTime"}
    )
    with KafkaAdminClient(bootstrap_servers=broker.bootstrap) as admin:
        admin.alter_configs([topic])
    refused = bearwatch(
        "-",
        "--history",
        "--broker",
        broker.bootstrap,
        "--prefix",
        names.prefix,
        lines=line(1, stream="news") + b"\n" + line(2, stream="comments"),
    )
    assert (refused.returncode, "Traceback" in refused.stderr) == (1, False)
    assert f"{names.comments} at {broker.bootstrap} stamps records on arrival" in refused.stderr
    assert "set it to CreateTime, or use another --prefix" in refused.stderr
    assert records(broker.connection, names.news) == records(broker.connection, names.comments) == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_keeps_what_was_sent(
    number: signal.Signals, broker: LocalKafka, names: TopicNames
) -> None:
    process = subprocess.Popen(
        [*COMMAND, "-", "--stream", "news", "--broker", broker.bootstrap, "--prefix", names.prefix],
        stdin=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=FOLDER,
    )
    assert process.stdin is not None
    process.stdin.write(line(1) + b"\n" + line(2) + b"\n")
    process.stdin.flush()
    while len(records(broker.connection, names.news)) < 2:
        assert process.poll() is None
    process.send_signal(number)
    _, errors = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, errors) == (130, b"2 sent, 0 rejected\n")


def test_wrong_use_is_an_error() -> None:
    both = bearwatch("-", "--history", "--speed", "2", "--broker", "127.0.0.1:1")
    assert both.returncode == 2 and "leave out --speed" in both.stderr
    missing = bearwatch("no-such-file.jsonl", "--broker", "127.0.0.1:1")
    assert missing.returncode == 2 and "No such file" in missing.stderr
