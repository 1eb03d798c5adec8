"""The live view: what a worker's metrics and the alerts topic become on a screen and in plain lines."""

from datetime import UTC, datetime, timedelta

from rich.console import Console

from alerting.alerts import Alert, Evidence
from bearwatch.terminal.snapshot import KeyFigures, Snapshot, parse
from bearwatch.terminal.view import Place, alert_lines, screen, status_line

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
METRICS = """
# TYPE bearwatch_documents counter
bearwatch_documents_total{stream="news",outcome="classified"} 30
bearwatch_documents_total{stream="news",outcome="dead_letter"} 2
# TYPE bearwatch_classified counter
bearwatch_classified_total{stream="news",topic="Macro",sentiment="negative"} 10
bearwatch_classified_total{stream="news",topic="Macro",sentiment="neutral"} 20
bearwatch_classified_total{stream="news",topic="IPO",sentiment="neutral"} 0
# TYPE bearwatch_lag_records gauge
bearwatch_lag_records{kafka_topic="news",partition="0"} 3
bearwatch_lag_records{kafka_topic="news",partition="1"} 4
# TYPE bearwatch_window_stories gauge
bearwatch_window_stories{stream="news",topic="Macro",window="1h"} 12
bearwatch_window_stories{stream="news",topic="Macro",window="6h"} 99
# TYPE bearwatch_window_negative_ratio gauge
bearwatch_window_negative_ratio{stream="news",topic="Macro",window="1h"} 0.25
# TYPE bearwatch_baseline_ratio gauge
bearwatch_baseline_ratio{stream="news",topic="Macro"} 0.2
# TYPE bearwatch_window_p_value gauge
bearwatch_window_p_value{stream="news",topic="Macro",window="1h"} 0.4
# TYPE bearwatch_watermark_timestamp_seconds gauge
bearwatch_watermark_timestamp_seconds{partition="0"} 1700000000
bearwatch_watermark_timestamp_seconds{partition="1"} 1700000015
"""


def alert(**changes: object) -> Alert:
    values: dict[str, object] = {
        "id": "0123456789abcdef", "key": "news/topic:Energy | Oil", "stream": "news", "topic": "Energy | Oil",
        "kind": "surge", "severity": "critical", "state": "firing", "window_start": NOW - timedelta(minutes=15),
        "window_end": NOW, "detected_at": NOW, "documents": 12, "stories": 10, "negative_stories": 9, "sources": 5,
        "baseline_ratio": 0.2, "lift": 4.5, "p_value": 1e-9, "model": "m", "policy": "p", "historical": False,
        "evidence": (Evidence(text="Refinery burns", source="Wire", probability=0.9, words=("burns",)),),
    }  # fmt: skip
    return Alert(**{**values, **changes})


def shown(snapshot: Snapshot, *alerts: Alert) -> str:
    console = Console(width=140, force_terminal=False, record=True)
    console.print(screen(snapshot, 42.0, alerts, [Place("metrics", "http://127.0.0.1:9108/metrics")], NOW))
    return console.export_text()


def test_metrics_become_a_snapshot():
    snapshot = parse(METRICS, "serving", "lag 7 records")
    assert snapshot == Snapshot(
        state="serving",
        reason="lag 7 records",
        documents=32,
        dead_letters=2,
        lag=7,
        keys=(KeyFigures("news", "Macro", 30, 12, 0.25, 0.2, 0.4),),
        watermark=1700000000,
    )


def test_the_screen_shows_state_topics_alert_and_where_to_look():
    text = shown(parse(METRICS, "serving", ""), alert())
    for part in (
        "serving",
        "32 documents",
        "42/s",
        "lag 7",
        "Macro",
        "25%",
        "Refinery burns",
        "9 of 10",
        "metrics",
    ):
        assert part in text, part


def test_a_stuck_worker_says_why():
    assert "no answer" in shown(Snapshot(state="stuck", reason="no answer from the broker"))


def test_a_resolved_or_historical_alert_is_not_shown_as_active():
    for past in (alert(state="resolved"), alert(historical=True)):
        text = shown(Snapshot(), past)
        assert "ALERT" not in text and "Energy | Oil" in text


def test_texts_cannot_write_to_the_terminal():
    """A headline with an escape sequence or with markup is shown as characters."""
    hostile = Evidence(text="\x1b[31mred [bold]x[/bold]", source="w\x07", probability=0.9)
    plain = "\n".join(alert_lines(alert(evidence=(hostile,))))
    assert "\x1b" not in plain and "\x07" not in plain
    text = shown(Snapshot(), alert(evidence=(hostile,)))
    assert "\x1b" not in text and "[bold]x[/bold]" in text


def test_plain_lines():
    assert status_line(parse(METRICS, "serving", ""), 42.0) == (
        "serving: 32 documents, 42/s, lag 7, event time 2023-11-14 22:13:20 UTC"
    )
    lines = alert_lines(alert())
    assert lines[0] == "ALERT firing: critical surge of bad news about Energy | Oil"
    assert "9 of 10 stories negative (90%, usual 20%, 4.5 times) from 5 sources in 15 min" in lines[1]
    assert lines[2] == "  - Refinery burns [Wire]"
