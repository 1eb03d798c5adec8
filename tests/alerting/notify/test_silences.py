"""Silences: created, replaced and expired in a real Alertmanager; a request that it rejects leaves no half state."""

import asyncio
import json
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from alert_messages import NOW, acknowledgement, alert, record, write
from external_tools import external_tool
from msgspec import UNSET
from waiting import PATIENCE_SECONDS, wait_until

from alerting.errors import AlertingError, AlertmanagerSettingsError
from alerting.evidence.acknowledgements import Acknowledgement, decode
from alerting.evidence.history import AlertHistory
from alerting.notify.silences import Alertmanager, matchers
from bearwatch.answers import silence_expiry
from bearwatch.answers.answering import answer
from bearwatch.answers.silence_expiry import expire_silences
from bearwatch.local.kafka import LocalKafka
from bearwatch.local.ports import answers, free_port
from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection
from stream.kafka.follow import Follower
from stream.kafka.topics import TopicNames, create_topics

NOBODY = KafkaConnection("127.0.0.1:1")  # a broker that does not answer


def now_for(length: timedelta = timedelta(hours=2), **changes: Any) -> Acknowledgement:
    at = datetime.now(UTC)
    return acknowledgement(at=at, until=at + length, **changes)


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A real Alertmanager."""
    program = external_tool("alertmanager")
    folder, port = tmp_path_factory.mktemp("alertmanager"), free_port()
    (folder / "config.yml").write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    command = [str(program), f"--config.file={folder}/config.yml", f"--storage.path={folder}"]
    command += [f"--web.listen-address=127.0.0.1:{port}", "--cluster.listen-address="]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_until_ready(process, f"http://127.0.0.1:{port}", folder / "log")
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(PATIENCE_SECONDS)


def wait_until_ready(process: subprocess.Popen[bytes], url: str, log: Path) -> None:
    def ready() -> bool:
        assert process.poll() is None, log.read_text()
        with suppress(OSError), urllib.request.urlopen(f"{url}/-/ready", timeout=60):  # noqa: S310
            return True
        return False

    wait_until("Alertmanager is ready", ready)


def in_force(url: str, alert_id: str) -> list[dict[str, Any]]:
    with urllib.request.urlopen(f"{url}/api/v2/silences", timeout=PATIENCE_SECONDS) as answer:  # noqa: S310
        silences = json.loads(answer.read())
    return [each for each in silences if each["status"]["state"] == "active" and alert_id in each["comment"]]


def test_a_silence_is_about_the_pages_of_the_key_and_kind():
    assert {each["name"]: each["value"] for each in matchers(alert())} == {
        "stream": "news",
        "topic": "Energy | Oil",
        "kind": "surge",
        "severity": "critical",
    }
    company = alert(topic=UNSET, entity="ACME", key="news/entity:ACME")
    assert {each["name"] for each in matchers(company)} == {"stream", "entity", "kind", "severity"}


def test_alertmanager_keeps_who_when_and_why(url: str):
    fired, given = alert(id="a" * 16), now_for(id="a" * 16)
    silence_id = Alertmanager(url + "/").silence(fired, given)
    (silence,) = in_force(url, fired.id)
    assert (silence["id"], silence["createdBy"]) == (silence_id, "Kim")
    assert silence["comment"].startswith("on it ")
    assert datetime.fromisoformat(silence["endsAt"]) - given.until < timedelta(milliseconds=1)
    assert sorted((each["name"], each["value"], each["isRegex"]) for each in silence["matchers"]) == [
        ("kind", "surge", False),
        ("severity", "critical", False),
        ("stream", "news", False),
        ("topic", "Energy | Oil", False),
    ]


def test_a_later_answer_takes_the_place_of_the_earlier_one(url: str):
    fired, manager = alert(id="b" * 16), Alertmanager(url)
    manager.silence(fired, now_for(timedelta(hours=8)))
    latest = manager.silence(fired, now_for(timedelta(minutes=5)))
    assert [each["id"] for each in in_force(url, fired.id)] == [latest]
    manager.expire(latest)
    assert in_force(url, fired.id) == [] and fired.id not in manager.in_force()


def test_two_alerts_have_silences_of_their_own(url: str):
    manager = Alertmanager(url)
    for letter in "cd":
        manager.silence(alert(id=letter * 16, topic=f"Topic {letter}"), now_for())
    assert len(in_force(url, "c" * 16)) == len(in_force(url, "d" * 16)) == 1


def test_a_record_that_cannot_be_written_takes_its_silence_back(url: str):
    fired = record(alert(id="e" * 16))
    with pytest.raises(StreamError, match="its silence was expired"):
        answer(fired, now_for(id="e" * 16), NOBODY, "alerts", Alertmanager(url))
    assert in_force(url, "e" * 16) == []


def test_the_record_and_the_silence_agree(url: str, broker: LocalKafka, prefix: str):
    names = TopicNames(prefix)
    create_topics(broker.connection, names)
    fired, given = alert(id="0" * 16), now_for(id="0" * 16)
    write(broker.bootstrap, names.alerts, [fired])
    answer(record(fired), given, broker.connection, names.alerts, Alertmanager(url))
    history = AlertHistory()
    asyncio.run(Follower(broker.connection, names.alerts, decode, history.add).read())
    (written,) = history.find(fired.id).acknowledgements
    (silence,) = in_force(url, fired.id)
    assert written.silence == silence["id"]
    assert abs(written.until - datetime.fromisoformat(silence["endsAt"])) < timedelta(milliseconds=1)


def test_the_silence_ends_some_minutes_after_its_alert(url: str):
    manager, history = Alertmanager(url), AlertHistory()
    for letter in "123":
        fired = alert(id=letter * 16, topic=f"Topic {letter}")
        manager.silence(fired, now_for(id=fired.id))
        if letter != "3":  # which is not on the topic
            history.add(fired)
    history.add(alert(id="1" * 16, state="resolved", detected_at=NOW))
    asyncio.run(expire_silences(manager, history, NOW + timedelta(minutes=9)))
    assert {"1" * 16, "2" * 16, "3" * 16} <= manager.in_force().keys()  # Prometheus still holds the first
    asyncio.run(expire_silences(manager, history, NOW + timedelta(minutes=10)))
    assert {"1" * 16, "2" * 16, "3" * 16} & manager.in_force().keys() == {"2" * 16, "3" * 16}


def test_the_server_of_evidence_ends_silences(url: str, broker: LocalKafka, prefix: str):
    names, manager = TopicNames(prefix), Alertmanager(url)
    create_topics(broker.connection, names)
    over = alert(id="5" * 16, state="resolved", detected_at=datetime.now(UTC) - timedelta(hours=1))
    write(broker.bootstrap, names.alerts, [over])
    manager.silence(over, now_for(id=over.id))
    command = [sys.executable, "-m", "bearwatch", "alerts", "serve", "--listen", f"127.0.0.1:{free_port()}"]
    command += ["--broker", broker.bootstrap, "--prefix", prefix, "--alertmanager", url]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    try:
        wait_until(
            "its silence has ended",
            lambda: over.id not in manager.in_force() or process.poll() is not None,
        )
    finally:
        process.terminate()
        output, _ = process.communicate(timeout=PATIENCE_SECONDS)
    assert over.id not in manager.in_force(), output
    assert f"alert {over.id} has resolved" in output and "Traceback" not in output


def test_an_alertmanager_that_is_away_is_asked_again(url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(silence_expiry, "EVERY_SECONDS", 0.01)
    gone, history, manager = (
        Alertmanager(f"http://127.0.0.1:{free_port()}"),
        AlertHistory(),
        Alertmanager(url),
    )
    over = alert(id="4" * 16, state="resolved", detected_at=datetime.now(UTC) - timedelta(hours=1))
    manager.silence(over, now_for(id=over.id))
    history.add(over)
    asked = []

    def in_force() -> dict[str, str]:
        asked.append(gone if len(asked) < 3 else manager)
        return Alertmanager.in_force(asked[-1])

    monkeypatch.setattr(manager, "in_force", in_force)

    async def until_ended() -> None:
        task = asyncio.create_task(silence_expiry.expire_silences_until_cancelled(manager, history))
        while over.id in await asyncio.to_thread(Alertmanager.in_force, manager):
            await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(asyncio.wait_for(until_ended(), PATIENCE_SECONDS))
    assert len(asked) >= 4


def test_what_is_over_is_not_silenced(url: str):
    over = record(alert(id="f" * 16), alert(id="f" * 16, state="resolved"))
    with pytest.raises(AlertingError, match="would hide the next alert of news/topic:Energy"):
        answer(over, now_for(id="f" * 16), NOBODY, "alerts", Alertmanager(url))
    assert in_force(url, "f" * 16) == []


@contextmanager
def answering(*replies: tuple[int, bytes]) -> Iterator[str]:
    """A server that gives these answers in turn, then the last one for ever."""
    left = list(replies)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = left.pop(0) if len(left) > 1 else left[0]
            self.send_response(status)
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_DELETE = do_GET  # noqa: N815

        def log_message(self, format: str, *arguments: Any) -> None: ...

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.mark.parametrize(
    ("replies", "said"),
    [
        ([(500, b"disk full")], r"rejects the request \(500\): disk full; nothing was written"),
        ([(1000, b"")], "no Alertmanager answers at .*; nothing was written"),
        ([(200, b"<html>")], "is not an Alertmanager: .*; nothing was written"),
        (
            [(200, b'[{"x":' + b"[" * 5000)],
            "is not an Alertmanager: .* nested too deeply; nothing was written",
        ),
        (
            [(200, b"[]"), (400, b"bad matcher")],
            r"rejects the request \(400\): bad matcher; nothing was written",
        ),
        ([(200, b"[]"), (200, b"{}")], "is not an Alertmanager: .*silenceID.*; nothing was written"),
    ],
)
def test_without_a_silence_nothing_is_written(replies: list[tuple[int, bytes]], said: str):
    with answering(*replies) as address, pytest.raises(AlertingError, match=said):
        answer(record(alert()), now_for(), NOBODY, "alerts", Alertmanager(address))


def test_an_alertmanager_that_is_not_there_is_an_error():
    port = free_port()
    assert not answers(port)
    with pytest.raises(AlertingError, match=r"no Alertmanager answers at .*; nothing was written"):
        answer(record(alert()), now_for(), NOBODY, "alerts", Alertmanager(f"http://127.0.0.1:{port}"))


def test_a_silence_that_stays_without_a_record_is_an_error_that_says_so():
    made, gone = (200, b'{"silenceID": "s1"}'), (503, b"gone")
    with (
        answering((200, b"[]"), made, gone) as address,
        pytest.raises(StreamError, match="its silence s1 remains and has no record"),
    ):
        answer(record(alert()), now_for(), NOBODY, "alerts", Alertmanager(address))


@pytest.mark.parametrize("wrong", ["file:///etc/passwd", "alertmanager:9093"])
def test_only_http_addresses(wrong: str):
    with pytest.raises(AlertmanagerSettingsError, match="expected http://HOST:PORT"):
        Alertmanager(wrong)
