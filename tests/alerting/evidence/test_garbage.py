"""Whatever stands on the `alerts` topic is rejected, or can be shown, listed and silenced like any alert."""

import io
import json
from urllib.parse import quote

import msgspec
from alert_messages import NOW, STORY, acknowledgement, alert
from garbage import NOT_MESSAGES, ODD_VALUES, almost
from raw_http import Answer, get, served

from alerting.alerts import Alert
from alerting.evidence.acknowledgements import MAX_BYTES, Acknowledgement, decode
from alerting.evidence.history import AlertHistory
from alerting.evidence.pages import alert_page, list_page
from alerting.evidence.server import Evidence
from alerting.notify.silences import matchers
from bearwatch.core.console import PlainConsole
from bearwatch.terminal import alert_text
from bearwatch.terminal.snapshot import Snapshot
from bearwatch.terminal.view import alert_lines, screen
from stream.aggregate.key_state import EVIDENCE_SHOWN
from stream.aggregate.records import EVIDENCE_CHARACTERS
from stream.classify.document import CLASSIFIED_CHARACTERS

SCREEN = PlainConsole(file=io.StringIO(), force_terminal=True)


def decoded(value: bytes) -> Alert | Acknowledgement | None:
    """None for what a reader of the topic passes over: these are the errors that it knows."""
    try:
        return decode(value)
    except (msgspec.MsgspecError, ValueError, TypeError, RecursionError):
        return None


def show_everywhere(message: Alert | Acknowledgement) -> None:
    history = AlertHistory()
    history.add(alert(id=message.id))
    history.add(message)
    (found,) = history.newest_first()
    alert_text.row(found, NOW)
    alert_text.page(found, NOW)
    alert_text.as_json(found)
    alert_page(found, NOW)
    list_page([found], NOW)
    matchers(found.alert)
    history.newest_of(found.labels, NOW)
    history.resolved_since(found.alert.id)
    alert_lines(found.alert)
    SCREEN.print(screen(Snapshot(), 0.0, [found.alert], [], NOW))


def test_what_is_not_a_message_is_rejected():
    assert [decoded(value) for value in NOT_MESSAGES if value is not None] == [None] * (len(NOT_MESSAGES) - 1)


def test_what_is_almost_a_message_is_rejected_or_can_be_shown():
    rejected = shown = 0
    stories = (json.loads(each)["evidence"] for each in almost_evidence())
    good = (json.loads(msgspec.json.encode(each)) for each in (alert(), acknowledgement(silence="s")))
    values = [value for each in good for value in almost(each)]
    values += [msgspec.json.encode({**json.loads(values[-2]), "evidence": each}) for each in stories]
    for value in [*values, *almost_evidence()]:
        if (message := decoded(value)) is None:
            rejected += 1
        else:
            shown += 1
            show_everywhere(message)
    assert rejected > 300 and shown > 100


def almost_evidence() -> list[bytes]:
    whole = json.loads(msgspec.json.encode(alert()))
    story = json.loads(msgspec.json.encode(STORY))
    return [
        json.dumps({**whole, "evidence": [{**story, name: odd}]}).encode()
        for name in story
        for odd in (*ODD_VALUES, [""], ["a"] * 1000, ["(", "\\"])
    ]


def test_a_message_that_is_too_large_is_rejected():
    assert decoded(b" " * MAX_BYTES + msgspec.json.encode(alert())) is None
    story = msgspec.structs.replace(STORY, text="oil falls " * 1000, words=("oil", "falls") * 50)
    assert decoded(msgspec.json.encode(alert(evidence=(story,) * 20))) is not None
    assert decoded(msgspec.json.encode(alert(evidence=(story,) * 30))) is None, "in bytes"
    for wrong in (
        {"text": "x" * 10_001},
        {"words": ("x",) * 101},
        {"words": ("x" * 2001,)},
        {"source": "x" * 2001},
    ):
        story = msgspec.structs.replace(STORY, **wrong)
        assert decoded(msgspec.json.encode(alert(evidence=(story,)))) is None
    assert decoded(msgspec.json.encode(alert(evidence=(STORY,) * 101))) is None
    assert decoded(msgspec.json.encode(alert(key="news/topic:" + "k" * 2000))) is None
    for name in ("topic", "entity", "reason"):
        assert decoded(msgspec.json.encode(alert(**{name: "x" * 10_001}))) is None, name


def test_the_largest_alert_that_a_worker_writes_is_accepted():
    """Every field of its evidence at its limit, in characters that take the most room in JSON."""
    story = msgspec.structs.replace(
        STORY,
        text="\U0001f4a3" * EVIDENCE_CHARACTERS,
        source="\x01" * 512,
        url="https://e.example/" + "\x01" * CLASSIFIED_CHARACTERS,
        words=("\U0001f4a3" * EVIDENCE_CHARACTERS,),
    )
    assert decoded(msgspec.json.encode(alert(evidence=(story,) * EVIDENCE_SHOWN))) is not None


def check_one_line(what: str, answer: Answer, status: int | None = None) -> None:
    assert answer.status == status if status else 400 <= answer.status < 500, what
    text = answer.body.decode()
    assert len(text) < 300 and len(text.splitlines()) == 1 and text.rstrip("\n").isprintable(), what
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")


def test_odd_numbers_in_an_address():
    evidence = Evidence(lambda: NOW)
    evidence.history.add(alert())
    key = "/alerts/by-key?stream=news&topic=Energy+%7C+Oil"
    wrong = ("", "nan", "inf", "-inf", "1e400", "1e9", "-1", "+1", "1_000", "0x10", "%201", "1;2", "%EF%BC%91",
             "253402300800", "999999999999", "9" * 5000, "1.", ".5", "1.5.5", "%00", "%FF", "1&at=2", "1%0a", "1%",
             )  # fmt: skip
    with served(evidence.app()) as address:
        for given in wrong:
            check_one_line(given, get(address, f"{key}&at={given}"), 400)
        fine = {"0": 404, "1": 404, "1795521600.5": 302, "253402300700": 302, "253402300799.5": 302}
        assert {given: get(address, f"{key}&at={given}").status for given in fine} == fine


def test_an_odd_id_is_found_by_its_key():
    for odd in ("\r\nSet-Cookie: x", "//evil.example", "../../x", "?a#b", "é\u202e", " "):
        evidence = Evidence(lambda: NOW)
        evidence.history.add(alert(id=odd))
        with served(evidence.app()) as address:
            answer = get(address, "/alerts/by-key?stream=news&topic=Energy+%7C+Oil")
        assert answer.status == 302 and "set-cookie" not in answer.headers
        assert answer.headers["location"] == f"/alerts/{quote(odd, safe='')}"


def test_odd_parameters_and_paths():
    evidence = Evidence(lambda: NOW)
    evidence.history.add(alert())
    odd = (
        "/alerts/by-key",
        "/alerts/by-key?stream=&topic=",
        "/alerts/by-key?stream=news&stream=comments&topic=Macro",
        "/alerts/by-key?stream=news&topic=Macro&topic=IPO",
        "/alerts/by-key?stream=news&topic=%ff",
        "/alerts/by-key?stream=news&topic=%00",
        "/alerts/by-key?stream=news&topic=%E2%80%AE",
        "/alerts/by-key?stream=news&topic=" + "x" * 5000,
        "/alerts/%2e%2e%2f%2e%2e%2fetc%2fpasswd",
        "/alerts/" + "0123456789abcdef" * 300,
        "/alerts/" + "(" * 3000 + ".json",
        "/runbooks/..%2f..%2fREADME",
        "/runbooks/" + "S" * 3000,
        "/runbooks/%F0%9F%92%A3",
        "//alerts",
        "/alerts/",
        "/alerts//x",
    )
    with served(evidence.app()) as address:
        for path in odd:
            check_one_line(path, get(address, path))
