"""`bearwatch alerts`: what the topic holds, in words and JSON; acknowledging; the pages it serves."""

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

import msgspec
import pytest
from alert_messages import NOW, STORY, acknowledgement, alert, record, write
from waiting import PATIENCE_SECONDS, wait_until

from alerting.alerts import Evidence
from alerting.errors import AlertingError
from alerting.evidence.acknowledgements import decode
from alerting.evidence.history import AlertHistory
from bearwatch.cli import main
from bearwatch.local.kafka import LocalKafka
from bearwatch.local.ports import free_port
from bearwatch.terminal.alert_text import as_json, page, row
from bearwatch.terminal.snapshot import AlertReader
from stream.kafka.connection import KafkaConnection
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


def test_the_two_messages_are_told_apart():
    for message in (alert(), acknowledgement(), acknowledgement(state="snoozed", silence="s")):
        assert decode(encode(message)) == message
    for wrong in (b"{}", b"[]", b"", b'{"state": "odd"}'):
        with pytest.raises(msgspec.DecodeError):
            decode(wrong)


def test_a_record_follows_its_alert():
    updated = alert(state="updated", negative_stories=12, stories=13, window_end=NOW + timedelta(minutes=1))
    over = alert(state="resolved", negative_stories=1, window_end=NOW + timedelta(minutes=9), evidence=())
    followed = record(alert(), acknowledgement(), updated, over)
    assert (followed.since, followed.alert, followed.last_firing) == (NOW, over, updated)
    assert followed.acknowledgements == (acknowledgement(),)


def test_the_last_answer_holds_while_the_alert_fires():
    later = acknowledgement(by="Lee", state="snoozed", until=NOW + timedelta(minutes=5))
    messages = [alert(), acknowledgement(), later]
    assert record(*messages).acknowledged(NOW) == later
    assert record(*messages).acknowledged(later.until) is None
    assert record(*messages, alert(state="resolved")).acknowledged(NOW) is None


def test_memory_is_bounded():
    history = AlertHistory(keep=2)
    for letter in "abc":
        history.add(alert(id=letter))
    history.add(acknowledgement(id="a"))
    for number in range(100):
        history.add(acknowledgement(id="c", note=str(number)))
    assert [each.alert.id for each in history.newest_first()] == ["c", "b"]
    assert [each.note for each in history.find("c").acknowledgements] == [str(n) for n in range(80, 100)]


def test_the_newest_alert_of_a_key_is_one_that_pages():
    history = AlertHistory()
    history.add(alert(id="old"))
    history.add(alert(id="new"))
    history.add(alert(id="past", historical=True))
    history.add(alert(id="other", stream="comments", key="comments/topic:Energy | Oil"))
    labels = {"stream": "news", "topic": "Energy | Oil", "kind": "surge"}
    found = history.newest_of(labels)
    assert found is not None and found.alert.id == "new"
    assert history.newest_of({**labels, "topic": "Macro"}) is None
    assert history.newest_of({**labels, "entity": "ACME"}) is None


def test_an_unknown_id_names_the_nearest():
    with pytest.raises(AlertingError, match="nearest known one is 0123456789abcdef"):
        _known().find("0123456789abcdee")
    with pytest.raises(AlertingError, match="no alerts yet"):
        AlertHistory().find("x")


def _known() -> AlertHistory:
    history = AlertHistory()
    history.add(alert())
    return history


def test_texts_cannot_write_to_the_terminal():
    evil = "\x1b]0;owned\x07\x9b2J\u202eevil\r\n"
    story = Evidence(text=evil, source=evil, url=evil, probability=0.5, words=(evil,))
    bad = record(
        alert(evidence=(story,), topic=evil, key=f"news/topic:{evil}"), acknowledgement(note=evil, by=evil)
    )
    for line in (row(bad, NOW), as_json(bad), *page(bad, NOW)):
        assert line.isprintable()
    assert json.loads(as_json(bad))["alert"]["evidence"][0]["text"] == evil


def test_a_page_says_everything():
    text = "\n".join(page(record(alert(), acknowledgement(silence="s-1")), NOW))
    for said in (
        "critical surge of bad news about Energy | Oil",
        "firing, acknowledged by Kim until 2026-11-24 14:00 UTC",
        "9 of 10 stories negative (90%, usual 20%, 4.5 times) from 5 sources in 15 min",
        STORY.text, "Wire, negative with probability 0.90, https://wire.example/1", "burns, explosion",
        "on it", "silence s-1",
    ):  # fmt: skip
        assert said in text, text


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
    assert "offset 1: not an alert, left out" in caplog.text
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


def test_an_answer_is_a_message_of_its_own(
    bearwatch: Run, broker: LocalKafka, topic: str, where: tuple[str, ...]
):
    write(broker.bootstrap, topic, [alert()])
    before = datetime.now(UTC)
    said = bearwatch("snooze", "0123456789abcdef", "--for", "1h30m", "--by", "Kim", "--note", "lunch", *where)
    assert said.code == 0, said.err
    assert "no --alertmanager: pages go on" in said.out
    shown = json.loads(bearwatch("show", "0123456789abcdef", "--json", *where).out)
    (answer,) = shown["acknowledgements"]
    assert (answer["state"], answer["by"], answer["note"]) == ("snoozed", "Kim", "lunch")
    length = datetime.fromisoformat(answer["until"]) - datetime.fromisoformat(answer["at"])
    assert length == timedelta(minutes=90) and datetime.fromisoformat(answer["at"]) >= before
    assert shown["alert"] == json.loads(encode(alert()))
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
    ("arguments", "code", "said"),
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
    said: str,
):
    write(broker.bootstrap, topic, [alert()])
    result = bearwatch(*arguments, *where)
    assert result.code == code
    assert said in result.err and "Traceback" not in result.err
    assert json.loads(bearwatch("list", "--json", *where).out)["acknowledgements"] == []


def test_no_broker_and_no_topic_are_said(bearwatch: Run, broker: LocalKafka, prefix: str):
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


def test_the_link_of_a_notification_opens(
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
