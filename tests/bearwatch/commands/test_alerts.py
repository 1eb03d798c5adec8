"""`bearwatch alerts`: what the topic holds, in words and JSON; acknowledging; the pages it serves."""

import asyncio
import json
import re
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event, Thread
from typing import NamedTuple

import pytest
from alert_messages import acknowledgement, alert, write
from ask_pages import ask
from garbage import NOT_MESSAGES
from raw_batches import CODECS, COMPRESS, Entry, batch, records
from raw_produce import raw_produce
from waiting import PATIENCE_SECONDS, wait_until

from alerting.evidence.acknowledgements import decode
from alerting.evidence.server import Evidence
from bearwatch.cli import main
from bearwatch.local.kafka import LocalKafka
from bearwatch.local.ports import free_port
from bearwatch.terminal.snapshot import AlertReader
from stream.kafka.connection import KafkaConnection
from stream.kafka.follow import Follower
from stream.kafka.topics import TopicNames, create_topics
from stream.messages import encode


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "bearwatch", "alerts", *arguments]


class Result(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture
def bearwatch(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], tmp_path: Path
) -> Callable[..., Result]:
    """The command line as `main` runs it, in this process: a new one takes seconds to import everything."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> Result:
        monkeypatch.setattr(sys, "argv", ["bearwatch", "alerts", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        return Result(int(ended.value.code or 0), *capfd.readouterr())

    return run


Run = Callable[..., Result]


@pytest.fixture
def topic(broker: LocalKafka, prefix: str) -> str:
    create_topics(broker.connection, TopicNames(prefix))
    return TopicNames(prefix).alerts


@pytest.fixture
def where(broker: LocalKafka, prefix: str) -> tuple[str, ...]:
    return ("--broker", broker.bootstrap, "--prefix", prefix)


def test_list_and_show_read_what_is_committed(
    bearwatch: Run, caplog: pytest.LogCaptureFixture, broker: LocalKafka, topic: str, where: tuple[str, ...]
):
    assert bearwatch("list", *where).out == ""
    write(broker.bootstrap, topic, [alert(), b"no alert", alert(id="fedcba9876543210", historical=True)])
    write(broker.bootstrap, topic, [alert(state="resolved")], commit=False)
    listed = bearwatch("list", *where)
    assert listed.code == 0
    newest, oldest = listed.out.splitlines()
    assert newest.startswith("fedcba9876543210  critical") and newest.endswith("firing, historical")
    assert oldest.endswith("news/topic:Energy | Oil  9 of 10 negative  firing")
    assert "offset 1: skipped, as every record that is not JSON" in caplog.text
    lines = [json.loads(line) for line in bearwatch("list", "--json", *where).out.splitlines()]
    assert [line["alert"]["id"] for line in lines] == ["fedcba9876543210", "0123456789abcdef"]
    shown = bearwatch("show", "0123456789abcdef", "--json", *where)
    assert json.loads(shown.out) == lines[1]
    assert json.loads(shown.out)["alert"] == json.loads(encode(alert()))
    unknown = bearwatch("show", "0123456789abcdee", *where)
    assert (unknown.code, unknown.out) == (1, "")
    assert "nearest known one is 0123456789abcdef" in unknown.err and "Traceback" not in unknown.err


def test_settings_come_from_the_file_as_for_every_command(
    bearwatch: Run, broker: LocalKafka, topic: str, prefix: str, tmp_path: Path
):
    write(broker.bootstrap, topic, [alert()])
    (tmp_path / "bearwatch.toml").write_text(f'broker = "{broker.bootstrap}"\nprefix = "{prefix}"\n')
    assert "0123456789abcdef" in bearwatch("list").out


def test_an_answer_is_a_message_on_the_alerts_topic(
    bearwatch: Run, broker: LocalKafka, topic: str, where: tuple[str, ...]
):
    write(broker.bootstrap, topic, [alert()])
    before = datetime.now(UTC)
    result = bearwatch(
        "snooze", "0123456789abcdef", "--for", "1h30m", "--by", "Kim", "--note", "lunch", *where
    )
    assert result.code == 0, result.err
    assert "no --alertmanager: it still pages" in result.out
    shown = json.loads(bearwatch("show", "0123456789abcdef", "--json", *where).out)
    (answer,) = shown["acknowledgements"]
    assert (answer["state"], answer["by"], answer["note"]) == ("snoozed", "Kim", "lunch")
    length = datetime.fromisoformat(answer["until"]) - datetime.fromisoformat(answer["at"])
    assert length == timedelta(minutes=90) and datetime.fromisoformat(answer["at"]) >= before
    assert shown["alert"] == json.loads(encode(alert()))
    assert alerts_of_the_view(broker.connection, topic) == [alert()]


def test_a_bad_record_does_not_end_the_view(broker: LocalKafka, topic: str):
    write(broker.bootstrap, topic, [b"no alert", alert()])
    assert alerts_of_the_view(broker.connection, topic) == [alert()]


def alerts_of_the_view(connection: KafkaConnection, topic: str) -> list[object]:
    reader, stop = AlertReader(connection, topic), Event()
    thread = Thread(target=reader.run, args=(stop,))
    thread.start()
    wait_until("the alert is read", lambda: bool(reader.all()))
    time.sleep(0.5)  # the acknowledgement comes after the alert
    stop.set()
    thread.join()
    return list(reader.all())


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["ack", "0123456789abcdef", "--for", "soon", "--by", "K", "--note", "n"], 2, "write 30m, 2h or 1d"),
        (["ack", "0123456789abcdef", "--for", "0h", "--by", "K", "--note", "n"], 2, "between 1s and 30d"),
        (["ack", "0123456789abcdef", "--for", "999999d", "--by", "K", "--note", "n"], 2, "between 1s and 30d"),
        (["ack", "0123456789abcdef", "--by", " ", "--note", "n"], 2, "--by must have"),
        (["ack", "0123456789abcdef", "--by", "K"], 2, "--note"),
        (["ack", "x", "--by", "K", "--note", "n"], 1, "nearest known one is 0123456789abcdef"),
        (["ack", "0123456789abcdef", "--by", "K", "--note", "n", "--alertmanager", "http://127.0.0.1:1"], 1,
         "nothing was written"),
    ],
)  # fmt: skip
def test_a_wrong_answer_writes_nothing(
    bearwatch: Run,
    broker: LocalKafka,
    topic: str,
    where: tuple[str, ...],
    arguments: list[str],
    code: int,
    message: str,
):
    write(broker.bootstrap, topic, [alert()])
    result = bearwatch(*arguments, *where)
    assert result.code == code
    assert message in result.err and "Traceback" not in result.err
    assert json.loads(bearwatch("list", "--json", *where).out)["acknowledgements"] == []


def test_no_broker_and_no_topic_are_errors(bearwatch: Run, broker: LocalKafka, prefix: str):
    # A process of its own: kafka-python leaves sockets open where nobody answers.
    gone = subprocess.run(
        command("list", "--broker", f"127.0.0.1:{free_port()}"),
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert gone.returncode == 1 and "no Kafka broker answers" in gone.stderr
    assert "Traceback" not in gone.stderr
    missing = bearwatch("list", "--broker", broker.bootstrap, "--prefix", prefix)
    assert missing.code == 1 and "create it with `bearwatch topics`" in missing.err


@pytest.fixture
def served(topic: str, where: tuple[str, ...]) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    address = f"127.0.0.1:{free_port()}"
    process = subprocess.Popen(
        command("serve", "--listen", address, *where),
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        yield f"http://{address}", process
    finally:
        process.kill()
        process.communicate()


def fetch(url: str, seconds: float = 0.0) -> tuple[str, str]:
    """The address after redirects and the body; tried again for `seconds` while it is not there."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
                return answer.url, answer.read().decode()
        except OSError as error:
            if isinstance(error, urllib.error.HTTPError):
                error.close()
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def test_the_link_of_a_notification_opens_its_page(
    broker: LocalKafka, topic: str, served: tuple[str, "subprocess.Popen[str]"]
):
    base, process = served
    fetch(f"{base}/healthz", PATIENCE_SECONDS)
    assert "no alert yet" in fetch(f"{base}/alerts")[1]
    write(broker.bootstrap, topic, [alert()])
    url, text = fetch(f"{base}/alerts/by-key?stream=news&topic=Energy+%7C+Oil&kind=surge", PATIENCE_SECONDS)
    assert url == f"{base}/alerts/0123456789abcdef"
    assert re.search(r"Refinery <mark>burns</mark> after <mark>explosion</mark>", text)
    write(broker.bootstrap, topic, [acknowledgement()])
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not (found := json.loads(fetch(f"{url}.json")[1]))["acknowledgements"]:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert found["alert"] == json.loads(encode(alert()))
    process.send_signal(signal.SIGTERM)
    output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert (process.returncode, "Traceback" in output) == (0, False), output


def garbage() -> list[bytes]:
    """Batches of what is not a message, in every codec, and batches that cannot be read."""
    entries = [Entry(value) for value in NOT_MESSAGES]
    inside = [
        *(batch(entries, codec=codec) for codec in CODECS.values()),
        batch([Entry(None, None, HEADERS)]),
    ]
    behind = [COMPRESS[CODECS[name]](records([Entry(b"x")])) + b"garbage garbage" for name in ("gzip", "lz4")]
    damaged = [batch(stored=behind[0], codec=1, count=1), batch(stored=behind[1], codec=3, count=1)]
    return [*inside, *damaged, batch([Entry(b"x", delta=5_000_000)]), batch([Entry(b"x", attributes=0xFF)])]


HEADERS = ((b"\xff\xfe", None), (b"unreadable", b"x"), (b"first_offset", b"-1"))


def test_garbage_on_a_topic_ends_nobody(
    bearwatch: Run,
    caplog: pytest.LogCaptureFixture,
    broker: LocalKafka,
    topic: str,
    prefix: str,
    where: tuple[str, ...],
):
    """Before, between and behind two alerts and an answer; on `rates` in the same way."""
    alerts = [[Entry(encode(alert(id=letter * 16)), b"key")] for letter in "ab"]
    for name in (topic, TopicNames(prefix).rates):
        write(broker.bootstrap, name, [b"garbage"])  # it waits until the new partition has a leader
        around = [
            *garbage(),
            batch(alerts[0]),
            *garbage(),
            batch(alerts[1], codec=CODECS["zstd"]),
            *garbage(),
        ]
        assert set(raw_produce(broker.bootstrap, name, 0, around)) == {"NoError"}
    assert [line[:16] for line in bearwatch("list", *where).out.splitlines()] == ["b" * 16, "a" * 16]
    lines = [each for each in caplog.records if each.name == "bearwatch.follow"]
    assert len(lines) < 6, "one for each reason"
    answered = bearwatch("ack", "a" * 16, "--by", "Kim", "--note", "[/x]", *where)
    assert answered.code == 0, answered.err
    assert "acknowledged by Kim" in bearwatch("show", "a" * 16, *where).out

    for name in (topic, TopicNames(prefix).rates):
        evidence = Evidence()
        follower = Follower(broker.connection, name, decode, evidence.history.add, skipped=evidence.skipped)
        asyncio.run(follower.read())
        assert len(evidence.history.newest_first()) == 2
        evidence.seen()
        ((status, text, _),) = ask(evidence, "/healthz")
        assert status == 200 and "records skipped that were not JSON" in text

    reader, stop = AlertReader(broker.connection, topic), Event()
    thread = Thread(target=reader.run, args=(stop,))
    thread.start()
    wait_until("the view has both", lambda: len(reader.all()) == 2)
    stop.set()
    thread.join()
