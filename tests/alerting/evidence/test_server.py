"""The evidence pages: whatever a feed sends stays text, addresses answer as documented, health shows a stale topic."""

import asyncio
from datetime import timedelta
from html.parser import HTMLParser

import pytest
from aiohttp.test_utils import TestClient, TestServer
from alert_messages import NOW, STORY, acknowledgement, alert, record

from alerting.alerts import Evidence as Story
from alerting.evidence import server
from alerting.evidence.pages import alert_page, is_web, list_page, parts
from alerting.evidence.server import Evidence

EVIL = "</li><script>alert(1)</script><img src=x onerror=alert(2)>\"'&{{ 7*7 }}"


class Tags(HTMLParser):
    """What a browser would find: tags with attributes, and text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def ask(evidence: Evidence, *paths: str) -> list[tuple[int, str, dict[str, str]]]:
    async def send() -> list[tuple[int, str, dict[str, str]]]:
        async with TestClient(TestServer(evidence.app())) as client:
            answers = [await client.get(path, allow_redirects=False) for path in paths]
            return [(each.status, await each.text(), dict(each.headers)) for each in answers]

    return asyncio.run(send())


def test_texts_stay_texts():
    story = Story(
        text=EVIL, source=EVIL, url=f"https://a.example/{EVIL}", probability=0.5, words=("script", EVIL)
    )
    bad = record(
        alert(evidence=(story,), topic=EVIL, key=f"news/topic:{EVIL}", model=EVIL),
        acknowledgement(note=EVIL, by=EVIL),
    )
    for page in (alert_page(bad, NOW), list_page([bad], NOW)):
        found = Tags(page)
        assert not {"script", "img"} & {tag for tag, _ in found.tags}
        assert not any(name.startswith("on") for _, attributes in found.tags for name in attributes)
        assert "alert(1)" in found.text and "{{ 7*7 }}" in found.text


@pytest.mark.parametrize(
    "url",
    [
        "javascript:alert(1)",
        "data:text/html,x",
        "JaVaScRiPt:x",
        "//evil.example",
        "file:///x",
        "http://[",
        "",
        None,
    ],
)
def test_only_web_addresses_become_links(url: str | None):
    assert not is_web(url)
    page = Tags(
        alert_page(record(alert(evidence=(Story(text="x", source="y", url=url, probability=0.5),))), NOW)
    )
    links = {attributes.get("href") for tag, attributes in page.tags if tag == "a"}
    assert links == {"/alerts", "/alerts/0123456789abcdef.json"}


def test_a_web_address_is_a_link():
    page = Tags(alert_page(record(alert()), NOW))
    (link,) = [each for tag, each in page.tags if tag == "a" and each["href"] == STORY.url]
    assert link["rel"] == "noopener noreferrer nofollow"


def test_words_are_marked_whole():
    story = Story(text="Burns burn: refinery burns", source="s", probability=0.5, words=("burns", "a+b"))
    assert parts(story) == [("Burns", True), (" burn: refinery ", False), ("burns", True)]
    assert parts(Story(text="calm", source="s", probability=0.5)) == [("calm", False)]


def test_addresses():
    evidence = Evidence(lambda: NOW)
    evidence.history.add(alert())
    found = ask(
        evidence,
        "/alerts",
        "/alerts/0123456789abcdef",
        "/alerts/0123456789abcdef.json",
        "/alerts/nope",
        "/alerts/nope.json",
        "/alerts/by-key?stream=news&topic=Energy%20%7C%20Oil&kind=surge",
        "/alerts/by-key?stream=news&topic=Macro",
        "/alerts/by-key?topic=Macro",
        "/alerts/%3Cscript%3E",
    )
    assert [status for status, _, _ in found] == [200, 200, 200, 404, 404, 302, 404, 400, 404]
    assert found[5][2]["Location"] == "/alerts/0123456789abcdef"
    for _, _, headers in found:
        assert headers["Content-Security-Policy"].startswith("default-src 'none'")
        assert headers["X-Content-Type-Options"] == "nosniff"
    assert found[8][2]["Content-Type"].startswith("text/plain")


def test_yesterdays_link_leads_to_yesterdays_alert():
    evidence, day = Evidence(lambda: NOW), timedelta(days=1)
    evidence.history.add(alert())
    evidence.history.add(alert(id="a" * 16, window_end=NOW + day, detected_at=NOW + day))
    times = [str(int((NOW + n * day).timestamp())) for n in range(-1, 3)]
    found = ask(
        evidence,
        *(f"/alerts/by-key?stream=news&topic=Energy+%7C+Oil&at={when}" for when in (*times, "soon", "nan")),
    )
    behind = str(int((NOW - timedelta(minutes=4)).timestamp()))  # Prometheus's clock
    assert ask(evidence, f"/alerts/by-key?stream=news&topic=Energy+%7C+Oil&at={behind}")[0][0] == 302
    assert [status for status, _, _ in found] == [404, 302, 302, 302, 400, 400]
    opened = [headers["Location"] for _, _, headers in found[1:4]]
    assert opened == [f"/alerts/{each}" for each in ("0123456789abcdef", "a" * 16, "a" * 16)]


def test_only_reading(monkeypatch: pytest.MonkeyPatch):
    async def send() -> int:
        async with TestClient(TestServer(Evidence().app())) as client:
            return (await client.post("/alerts")).status

    assert asyncio.run(send()) == 405


def test_health_says_when_the_topic_is_not_read(monkeypatch: pytest.MonkeyPatch):
    evidence = Evidence()
    (status, text, _) = ask(evidence, "/healthz")[0]
    assert (status, text) == (503, "the alerts topic is being read\n")
    evidence.seen()
    assert ask(evidence, "/healthz")[0][0] == 200
    monkeypatch.setattr(server, "STALE_SECONDS", -1.0)
    assert ask(evidence, "/healthz")[0][0] == 503
