"""The evidence pages: whatever a feed sends stays text, addresses answer as documented, health shows a stale topic."""

import asyncio
from datetime import timedelta

import pytest
from aiohttp.test_utils import TestClient, TestServer
from alert_messages import NOW, alert
from ask_pages import ask

from alerting.evidence import server
from alerting.evidence.server import Evidence


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
        *(
            f"/alerts/by-key?stream=news&topic=Energy+%7C+Oil&at={when}"
            for when in (*times, "soon", "nan", "253402300799")
        ),
    )
    behind = str(int((NOW - timedelta(minutes=4)).timestamp()))  # Prometheus's clock
    assert ask(evidence, f"/alerts/by-key?stream=news&topic=Energy+%7C+Oil&at={behind}")[0][0] == 302
    assert [status for status, _, _ in found] == [404, 302, 302, 302, 400, 400, 302]
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
    assert ask(evidence, "/healthz")[0][:2] == (200, "ok\n")
    evidence.skipped["not JSON"] += 3
    assert ask(evidence, "/healthz")[0][:2] == (200, "ok, 3 records skipped that were not JSON\n")
    monkeypatch.setattr(server, "STALE_SECONDS", -1.0)
    assert ask(evidence, "/healthz")[0][0] == 503
