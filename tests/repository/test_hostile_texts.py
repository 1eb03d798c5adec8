"""What comes from outside is text at every door through which it leaves: terminal, log, page, metrics, file."""

import ast
import io
import json
import logging
import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from alert_messages import NOW, acknowledgement, alert, record
from ask_pages import ask
from document_producer_fake import FakeProducer
from hostile_texts import HOSTILE, is_shown_as_text
from html_tags import Tags
from keyword_model import write_keyword_model
from notifications import lines, notice, notification
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from alerting.alerts import Alert, Evidence
from alerting.detector import Decision, KeyDecision, Level, WindowCounts, WindowScore
from alerting.evidence.history import AlertRecord
from alerting.evidence.pages import alert_page, list_page
from alerting.evidence.server import Evidence as Pages
from alerting.monitoring.metrics import Metrics
from alerting.monitoring.state_collector import StateCollector
from alerting.notify.notices import Notification, receipts
from alerting.notify.receipts import ReceiptFile
from alerting.notify.silences import matchers
from bearwatch import cli
from bearwatch.core.console import PlainConsole, echo
from bearwatch.core.key import Key
from bearwatch.core.logs import prepare
from bearwatch.core.pages import templates
from bearwatch.core.printable import printable_json
from bearwatch.terminal import alert_text
from bearwatch.terminal.display import Lines
from bearwatch.terminal.snapshot import KeyStatistics, Snapshot
from bearwatch.terminal.view import Place, screen
from models.manifest import Dataset, load_manifest
from stream.ingest.feeds import FileFeed
from training.export.card import card

ROOT = Path(__file__).parents[2]
PACKAGES = ("bearwatch", "models", "training", "stream", "alerting")
every_hostile_text = pytest.mark.parametrize("text", HOSTILE)


def hostile_alert(text: str) -> Alert:
    story = Evidence(text=text, source=text, url=text, probability=0.5, words=(text,), model=text)
    return alert(id=text, key=f"news/topic:{text}", topic=text, evidence=(story,), model=text, policy=text)


def hostile_record(text: str) -> AlertRecord:
    return record(hostile_alert(text), acknowledgement(id=text, by=text, note=text, silence=text))


def on_a_terminal(*renderables: Any) -> str:
    """What rich writes to a terminal, without the styles, which are ours."""
    console = PlainConsole(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=200)
    console.print(*renderables)
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    return re.sub(r"\x1b\[[0-9;]*m", "", written)


@every_hostile_text
def test_console(text: str, capsys: pytest.CaptureFixture[str]):
    table = Table(text, title=text, caption=text)
    table.add_row(text)
    assert is_shown_as_text(on_a_terminal(text, Text(text), Panel(Text(text), title=Text(text)), table))
    echo(text)
    echo(text, err=True)
    written = capsys.readouterr()
    assert is_shown_as_text(written.out) and is_shown_as_text(written.err)
    if text.isprintable():
        assert text in on_a_terminal(text) and written.out == f"{text}\n"


@every_hostile_text
def test_view_of_up(text: str, capsys: pytest.CaptureFixture[str]):
    key = KeyStatistics(Key("news", "topic", text), 30, 12, 0.25, 0.2, 0.4)
    snapshot = Snapshot(state="stuck", reason=text, documents=1, keys=(key,))
    fired = hostile_alert(text)
    past = msgspec.structs.replace(fired, state="resolved")
    assert is_shown_as_text(on_a_terminal(screen(snapshot, 1.0, [fired, past], [Place(text, text)], NOW)))

    class Reader:
        def unread(self) -> list[Alert]:
            return [fired]

    with Lines(Reader(), [Place(text, text)]) as display:  # type: ignore[arg-type]
        display.show(snapshot)
    assert is_shown_as_text(capsys.readouterr().out)


@every_hostile_text
def test_lines_of_a_feed_that_are_rejected(text: str, tmp_path: Path):
    """They went to rich as markup: one line with a stream `[/x]` ended `up`, and again at each start."""
    bad = [{"stream": text}, {"id": text}, {"id": 1, text: text}, {"published_at": text}]
    good = {"id": "1", "text": "t", "published_at": "2026-11-24T12:00:00Z", "source": "s", "stream": "news"}
    whole = [json.dumps({**good, **each}) for each in bad]
    (tmp_path / "feed.jsonl").write_text("\n".join((*whole, text.replace("\n", " "), "")), "utf-8")
    console = PlainConsole(file=io.StringIO(), force_terminal=True, soft_wrap=True)
    feed = FileFeed(
        FakeProducer(), lambda _: None, tmp_path / "progress", tmp_path / "feed.jsonl",  # type: ignore[arg-type]
        lambda line, reason: console.print(f"line {line}: {reason}"),
    )  # fmt: skip
    feed.catch_up(datetime.now(UTC).timestamp())
    written: str = console.file.getvalue()  # type: ignore[attr-defined]
    assert "line 1: " in written and is_shown_as_text(written)


@every_hostile_text
def test_alerts_in_the_terminal(text: str):
    found = hostile_record(text)
    for line in (alert_text.row(found, NOW), *alert_text.page(found, NOW), alert_text.as_json(found)):
        assert line.isprintable()
    assert msgspec.json.decode(alert_text.as_json(found), type=AlertRecord) == found


@every_hostile_text
def test_pages(text: str, tmp_path: Path):
    (tmp_path / "any.html").write_text("<p title='{{ text }}'>{{ text }}</p>{{ texts | join(' ') }}")
    pages = [
        alert_page(hostile_record(text), NOW),
        list_page([hostile_record(text)], NOW),
        templates(tmp_path).get_template("any.html").render(text=text, texts=[text]),
    ]
    for page in pages:
        assert is_shown_as_text(page)
        found = Tags(page)
        assert not {"script", "img"} & {tag for tag, _ in found.tags}
        assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
        targets = [attributes["href"] or "" for tag, attributes in found.tags if tag == "a"]
        assert all(target.startswith("/alerts") for target in targets), targets


@every_hostile_text
def test_served_json(text: str):
    pages = Pages(lambda: NOW)
    pages.history.add(msgspec.structs.replace(hostile_alert(text), id="a1"))
    ((status, body, _),) = ask(pages, "/alerts/a1.json")
    assert status == 200 and body.isprintable()
    assert json.loads(body)["alert"]["model"] == text


@every_hostile_text
def test_log(text: str):
    logger, written = logging.Logger("any"), io.StringIO()
    logger.addHandler(prepare(logging.StreamHandler(written)))
    logger.warning("a text: %s", text)
    assert written.getvalue().count("\n") == 1
    try:
        raise ValueError(text)
    except ValueError:
        logger.exception("failed")
    assert is_shown_as_text(written.getvalue())


@every_hostile_text
def test_labels_of_metrics_and_silences(text: str):
    key = Key("news", "topic", text)
    score = WindowScore(WindowCounts(900, 900, 12, 9, 10, 8, 5), 6.0, 1e-6, 4.0, Level.CLEAR)
    decision = KeyDecision(key, "surge", Decision(900, True, 0.2, (score,)), False)
    registry = CollectorRegistry()
    metrics = Metrics(registry, topics=[text], sentiments=[text], dead_letter_reasons=())
    metrics.classified_document("news", text, text)
    registry.register(StateCollector(lambda: [decision], lambda: [], lambda: []))
    scraped = generate_latest(registry).decode()
    assert is_shown_as_text(scraped) and "\nbearwatch_evil" not in scraped
    samples = [each for family in text_string_to_metric_families(scraped) for each in family.samples]
    assert {each.labels["topic"] for each in samples if "topic" in each.labels} == {key.labels["topic"]}
    silenced = {each["name"]: each["value"] for each in matchers(hostile_alert(text))}
    assert silenced["topic"] == key.labels["topic"]


@every_hostile_text
def test_receipts_of_the_webhook(text: str, tmp_path: Path):
    body = json.dumps(notification(notice(labels={"topic": text}, annotations={"summary": text})))
    found = receipts(msgspec.json.decode(body, type=Notification), NOW)
    for _ in range(2):  # the second one reads the file
        with ReceiptFile(tmp_path / "out.jsonl") as file:
            file.add(found)
    (line,) = (tmp_path / "out.jsonl").read_text("utf-8").splitlines()
    assert line.isprintable()
    assert lines(tmp_path / "out.jsonl")[0]["annotations"] == {"summary": text}


@every_hostile_text
def test_model_card(text: str, tmp_path: Path):
    manifest = msgspec.structs.replace(
        load_manifest(write_keyword_model(tmp_path / "model")),
        name=text,
        datasets=(Dataset(text, "0" * 64, 1, "train", text),),
        intended_use=text,
    )
    written = card(manifest, {"model.onnx": 1.0}, [])
    assert is_shown_as_text(written)
    assert not any(markup in written for markup in ("<script", "<img", "[a](", "![i](", "`x`"))
    (row,) = [line for line in written.splitlines() if line.endswith("|") and "| train | 1 |" in line]
    assert row.count("|") == 5


@pytest.mark.parametrize("text", [text for text in HOSTILE if "\0" not in text])
@pytest.mark.parametrize(
    "before", [["classify", "--model"], ["alerts", "ack", "--for"], ["up", "--feed"], []]
)
def test_errors_of_the_command_line(
    text: str, before: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("sys.argv", ["bearwatch", *before, text])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert ended.value.code != 0
    assert is_shown_as_text(capsys.readouterr().err)


@pytest.mark.parametrize("value", [{"a": text} for text in HOSTILE])
def test_json_stays_the_same(value: dict[str, str]):
    encoded = msgspec.json.encode(value)
    assert json.loads(printable_json(encoded)) == value and printable_json(encoded).isprintable()
    assert json.loads(printable_json(b'{"a":\t1,\r\n"b": 2}')) == {"a": 1, "b": 2}


DOORS = {
    "Console": {"bearwatch/core/console.py"},
    "echo": {"bearwatch/core/console.py"},
    "secho": {},
    "print_exception": {},
    "from_markup": {},
    "Environment": {"bearwatch/core/pages.py", "training/export/card.py"},
    "StreamHandler": {"bearwatch/cli.py", "training/comparison/run_cell.py"},  # both give it to `prepare`
    "RotatingFileHandler": {"bearwatch/commands/up.py"},
    "FileHandler": {},
    "Formatter": {},
}


def test_there_is_one_door_of_each_kind():
    """Whoever writes to a terminal or a page does it through the functions that the tests above hold."""
    for path in (path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))):
        name = str(path.relative_to(ROOT))
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
                owner = getattr(getattr(node.func, "value", None), "id", "")
                called = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
                ours = called == "echo" and owner == ""  # of bearwatch.core.console
                if called in DOORS and not ours:
                    assert name in DOORS[called], f"{name}, line {node.lineno}: {called}"
