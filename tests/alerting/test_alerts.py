"""The alert message: exact JSON, exact id, and what has no alert."""

import hashlib

import msgspec
import pytest

from alerting.alerts import Alert, Evidence, alert_id, build_alert, split_key
from alerting.detection.detector import Decision, Firing, Reading, WindowCounts

PANE_END = 1767225600  # 2026-01-01T00:00:00Z
COUNTS = WindowCounts(900, PANE_END - 900, PANE_END, 12, 9, 10, 8, 5)
READING = Reading(COUNTS, 1.5e-6, 4.0)
VERDICT = Decision(
    PANE_END, True, 0.2, 0.02, (READING,), Firing(PANE_END, 900, "warning"), "firing", decisive=READING
)
EVIDENCE = Evidence(
    text="Northwind halts its refinery",
    source="Wire",
    url="https://a.example/1",
    probability=0.97,
    words=("halts",),
)


def build(decision: Decision = VERDICT, key: str = "news/topic:Energy | Oil") -> Alert:
    return build_alert(
        key,
        decision,
        decision.transition or "updated",
        evidence=(EVIDENCE,),
        detected_at=PANE_END + 5.25,
        historical=False,
        model="0123456789abcdef",
        policy="fedcba9876543210",
    )


def test_json_is_as_published():
    assert msgspec.json.decode(msgspec.json.encode(build())) == {
        "id": hashlib.sha256(b"news/topic:Energy | Oil\nsurge\n1767225600").hexdigest()[:16],
        "key": "news/topic:Energy | Oil",
        "stream": "news",
        "topic": "Energy | Oil",
        "kind": "surge",
        "severity": "warning",
        "state": "firing",
        "window_start": "2025-12-31T23:45:00Z",
        "window_end": "2026-01-01T00:00:00Z",
        "detected_at": "2026-01-01T00:00:05.250000Z",
        "documents": 12,
        "stories": 10,
        "negative_stories": 8,
        "sources": 5,
        "baseline_ratio": 0.2,
        "lift": 4.0,
        "p_value": 1.5e-6,
        "evidence": [
            {
                "text": "Northwind halts its refinery",
                "source": "Wire",
                "url": "https://a.example/1",
                "probability": 0.97,
                "words": ["halts"],
            }
        ],
        "model": "0123456789abcdef",
        "policy": "fedcba9876543210",
        "historical": False,
        "schema_version": 1,
    }


def test_json_reads_back_as_the_same_alert():
    alert = build()
    assert msgspec.json.decode(msgspec.json.encode(alert), type=Alert) == alert


def test_an_entity_takes_the_place_of_the_topic():
    content = msgspec.json.decode(msgspec.json.encode(build(key="comments/entity:ACME")))
    assert (content["stream"], content["entity"]) == ("comments", "ACME")
    assert "topic" not in content


def test_the_id_stays_from_firing_to_resolution():
    later = COUNTS.__class__(900, PANE_END, PANE_END + 900, 0, 0, 0, 0, 0)
    empty = Reading(later, None, None)
    resolved = VERDICT._replace(
        time=PANE_END + 900, transition="resolved", decisive=empty, reason="held for 24 h: the new normal"
    )
    alert = build(resolved)
    assert alert.id == build().id
    assert (alert.state, alert.p_value, alert.lift) == ("resolved", None, None)
    assert alert.reason == "held for 24 h: the new normal"


def test_ids_differ_by_key_kind_and_time():
    ids = {
        alert_id(*each)
        for each in [("a", "surge", 15), ("b", "surge", 15), ("a", "volume", 15), ("a", "surge", 30)]
    }
    assert len(ids) == 4
    assert alert_id("a", "surge", 15.0) == alert_id("a", "surge", 15)


def test_a_verdict_without_an_alert_makes_no_message():
    with pytest.raises(ValueError, match="has no alert"):
        build(VERDICT._replace(alert=None, transition=None))


def test_keys_come_apart():
    assert split_key("news/topic:M&A | a/b: c") == ("news", "topic", "M&A | a/b: c")
    assert split_key("comments/entity:ACME") == ("comments", "entity", "ACME")


@pytest.mark.parametrize("key", ["news", "news/Energy", "/topic:Energy", "news/topic:", "news/region:Asia"])
def test_what_is_no_key_is_refused(key):
    with pytest.raises(ValueError, match="key"):
        split_key(key)
