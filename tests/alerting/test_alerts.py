"""The alert message: exact JSON, exact id, and what has no alert."""

import hashlib

import msgspec
import pytest

from alerting.alerts import Alert, Evidence, alert_id, build_alert
from alerting.detector import Decision, Firing, Level, WindowCounts, WindowScore
from bearwatch.core.key import Key

PANE_END = 1767225600  # 2026-01-01T00:00:00Z
COUNTS = WindowCounts(900, PANE_END, 12, 9, 10, 8, 5)
SCORE = WindowScore(COUNTS, 5.75, 1.5e-6, 4.0, Level.ABNORMAL)
DECISION = Decision(PANE_END, True, 0.2, (SCORE,), Firing(PANE_END, 900, "warning"), "firing", decisive=SCORE)
EVIDENCE = Evidence(
    text="Northwind halts its refinery",
    source="Wire",
    url="https://a.example/1",
    probability=0.97,
    words=("halts",),
)


def build(decision: Decision = DECISION, key: str = "news/topic:Energy | Oil") -> Alert:
    return build_alert(
        Key.parse(key),
        "surge",
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
        "score": 5.75,
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
    later = COUNTS.__class__(900, PANE_END + 900, 0, 0, 0, 0, 0)
    empty = WindowScore(later, None, None, None, Level.CLEAR)
    resolved = DECISION._replace(
        time=PANE_END + 900, transition="resolved", decisive=empty, reason="held for 24 h: the new normal"
    )
    alert = build(resolved)
    assert alert.id == build().id
    assert (alert.state, alert.score, alert.p_value, alert.lift) == ("resolved", None, None, None)
    assert alert.reason == "held for 24 h: the new normal"


def test_ids_differ_by_key_kind_and_time():
    ids = {
        alert_id(*each)
        for each in [("a", "surge", 15), ("b", "surge", 15), ("a", "volume", 15), ("a", "surge", 30)]
    }
    assert len(ids) == 4
    assert alert_id("a", "surge", 15.0) == alert_id("a", "surge", 15)


def test_a_decision_without_an_alert_makes_no_message():
    with pytest.raises(ValueError, match="has no alert"):
        build(DECISION._replace(alert=None, transition=None))


def test_a_key_about_a_source_has_neither_topic_nor_entity():
    content = msgspec.json.decode(msgspec.json.encode(build(key="news/source:Wire")))
    assert content["key"] == "news/source:Wire"
    assert not {"topic", "entity"} & content.keys()


@pytest.mark.parametrize("key", ["news", "news/Energy", "/topic:Energy", "news/topic:", "news/region:Asia"])
def test_a_message_with_another_key_is_not_an_alert(key):
    content = msgspec.json.decode(msgspec.json.encode(build()))
    with pytest.raises(msgspec.ValidationError, match="key"):
        msgspec.convert({**content, "key": key}, Alert)
