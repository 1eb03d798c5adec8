"""The local Kafka: locked jars, loopback only, durable, and never left behind."""

import socket
import subprocess
import sys
import uuid
from pathlib import Path

import psutil
import pytest
from kafka import KafkaConsumer, KafkaProducer
from waiting import PATIENCE_SECONDS, wait_until

from bearwatch.local.kafka import LocalKafka, remembered_port
from bearwatch.local.kafka_jars import KAFKA, coordinates, fetch, locked_sums
from bearwatch.local.ports import HOST, answers
from stream.errors import StreamError
from stream.kafka.topics import TopicNames, create_topics

HOLD = """
import sys, time
from pathlib import Path
from bearwatch.local.kafka import LocalKafka
kafka = LocalKafka(Path(sys.argv[1]))
kafka.start()
print(kafka.pid, flush=True)
time.sleep(900)
"""


def test_the_committed_list_holds_the_kafka_that_is_meant() -> None:
    group, artifact, version = KAFKA.split(":")
    assert (group, artifact, version) in {coordinates(path) for path in locked_sums()}
    assert all(len(digest) == 64 for digest in locked_sums().values())


JAR = "org/example/one/1.0/one-1.0.jar"
LOCKED = {JAR: "2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"}  # of foo


def test_a_jar_that_is_missing_or_damaged_is_downloaded(tmp_path: Path) -> None:
    downloads = []

    def download(cache: Path, path: str) -> None:
        downloads.append(path)
        assert not (cache / path).exists(), "jgo keeps a file that is there"
        (cache / path).parent.mkdir(parents=True, exist_ok=True)
        (cache / path).write_bytes(b"foo")

    assert fetch(tmp_path, LOCKED, download) == [tmp_path / JAR]
    assert fetch(tmp_path, LOCKED, download) == [tmp_path / JAR]
    assert downloads == [JAR]
    (tmp_path / JAR).write_bytes(b"fo")  # a download that was interrupted
    fetch(tmp_path, LOCKED, download)
    assert (tmp_path / JAR).read_bytes() == b"foo" and downloads == [JAR, JAR]


def test_a_jar_that_cannot_be_had_or_is_another_is_named_with_what_to_do(tmp_path: Path) -> None:
    def offline(cache: Path, path: str) -> None:
        raise ConnectionError("no route")

    def other(cache: Path, path: str) -> None:
        (cache / path).parent.mkdir(parents=True, exist_ok=True)
        (cache / path).write_bytes(b"bar")

    with pytest.raises(StreamError, match=r"one-1\.0\.jar from Maven Central.* copy .*--broker.*no route"):
        fetch(tmp_path, LOCKED, offline)
    with pytest.raises(StreamError, match=r"one-1\.0\.jar as downloaded is not the locked jar"):
        fetch(tmp_path, LOCKED, other)


def test_it_listens_on_loopback_only(broker: LocalKafka) -> None:
    connections = psutil.Process(broker.pid).net_connections()
    listening = {c.laddr.ip.removeprefix("::ffff:") for c in connections if c.status == psutil.CONN_LISTEN}
    assert listening == {HOST}


def test_one_kafka_at_a_time_uses_the_directory(broker: LocalKafka) -> None:
    with pytest.raises(StreamError, match="used by another bearwatch"):
        LocalKafka(broker.data_dir).start()
    assert broker.pid is not None


def test_a_port_in_use_is_reported(tmp_path: Path) -> None:
    with socket.create_server((HOST, 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(StreamError, match=f"port {port} is in use"):
            LocalKafka(tmp_path, port).start()


@pytest.mark.parametrize("content", [b"", b"x", b"\xff", b"0", b"65536", b"-1", b"9" * 5000, "²".encode()])
def test_a_damaged_note_of_the_port_is_no_port(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "port").write_bytes(content)
    assert remembered_port(tmp_path / "port") is None
    (tmp_path / "port").write_bytes(b"65535\n")
    assert remembered_port(tmp_path / "port") == 65535
    assert remembered_port(tmp_path) is None


def test_a_start_that_fails_reports_kafkas_reason(tmp_path: Path) -> None:
    records = tmp_path / "kafka"
    records.mkdir()
    (records / "meta.properties").write_text("version=1\ncluster.id=x\nnode.id=7\n")
    kafka = LocalKafka(tmp_path)
    with pytest.raises(StreamError, match=r"node id 7.*kafka\.log"):
        kafka.start()
    assert kafka.pid is None


FORMATS = """
import sys
from pathlib import Path
import bearwatch.local.kafka as module
module.java = lambda *_: ["/bin/sh", "-c", sys.argv[2], "sh"]
module.LocalKafka(Path(sys.argv[1])).start()
"""


def formatting(folder: Path, script: str) -> "subprocess.Popen[str]":
    """A start whose formatting is a script of the shell."""
    return subprocess.Popen(
        [sys.executable, "-c", FORMATS, str(folder), script],
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )


def test_a_killed_parent_leaves_no_formatting_behind(tmp_path: Path) -> None:
    """It went on, and the next start, which formatted the same folder, failed with Java's stack trace."""
    note = tmp_path / "pid"
    parent = formatting(tmp_path, f"echo $$ >'{note}.part'; mv '{note}.part' '{note}'; exec sleep 1000")
    try:
        wait_until("it formats", note.exists)
        child = psutil.Process(int(note.read_text()))
    finally:
        parent.kill()
        parent.communicate()
    psutil.wait_procs([child], timeout=PATIENCE_SECONDS)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_formatting_that_fails_is_reported_without_a_stack_trace(tmp_path: Path) -> None:
    script = "echo started; echo 'Exception in thread \"main\" NoSpace: full'; echo '\tat a.b'; exit 1"
    _, shown = formatting(tmp_path, script).communicate(timeout=PATIENCE_SECONDS)
    assert (
        f'cannot format {tmp_path}/kafka for Kafka: Exception in thread "main" NoSpace: full (log: ' in shown
    )
    assert "at a.b" not in shown


@pytest.mark.parametrize(
    ("end", "reason"),
    [
        ("echo all is well; kill -KILL $$", "it was ended by SIGKILL"),
        ("echo '# There is insufficient memory'; echo all is well; exit 1", "There is insufficient memory"),
    ],
)
def test_a_broker_that_is_ended_by_the_system_is_reported_so(end: str, reason: str, tmp_path: Path) -> None:
    """The last line that it had logged was named as the reason."""
    script = f"case $2 in format) exit 0;; esac; {end}"
    _, shown = formatting(tmp_path, script).communicate(timeout=PATIENCE_SECONDS)
    assert f"Kafka exited while starting: {reason} (log: " in shown


def test_records_outlive_a_kill_and_the_port_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # One id in 64 begins with a hyphen, which Kafka's tool once took for an option.
    monkeypatch.setattr(uuid, "uuid4", lambda: uuid.UUID(bytes=b"\xf8" + bytes(15)))
    # A comma separates folders in Kafka's settings, and more of this has a meaning there, in log4j's or in the shell.
    folder = tmp_path / "é日本, #%20\\:='\" ${x}[/x]\n"
    kafka = LocalKafka(folder)
    kafka.start()
    try:
        port = kafka.port
        names = TopicNames("durable.")
        create_topics(kafka.connection, names)
        with KafkaProducer(bootstrap_servers=kafka.bootstrap) as producer:
            producer.send(names.news, b"kept").get(timeout=PATIENCE_SECONDS)
        kafka.pause()
        assert not answers(kafka.port or 0)
        kafka.resume()
        kafka.kill()
        assert not answers(kafka.port or 0)
    finally:
        kafka.stop()
    with LocalKafka(folder) as again:
        assert again.port == port
        consumer = KafkaConsumer(
            names.news,
            bootstrap_servers=again.bootstrap,
            auto_offset_reset="earliest",
            consumer_timeout_ms=int(1000 * PATIENCE_SECONDS),
        )
        assert next(consumer).value == b"kept"
        consumer.close()


def test_a_killed_parent_leaves_no_broker_behind(tmp_path: Path) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[3],
    )
    try:
        assert parent.stdout is not None
        broker = psutil.Process(int(parent.stdout.readline()))
    finally:
        parent.kill()
        parent.communicate()
    with LocalKafka(tmp_path) as again:  # waits for the end of the one before
        assert not broker.is_running() or broker.status() == psutil.STATUS_ZOMBIE
        assert again.pid != broker.pid
