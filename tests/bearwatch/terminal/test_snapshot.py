"""The snapshot: what the live view takes from a worker's metrics and health, and from the alerts topic."""

import pytest
from alert_messages import alert

from bearwatch.core.key import Key
from bearwatch.local.ports import free_port
from bearwatch.terminal import snapshot
from bearwatch.terminal.snapshot import AlertReader, KeyStatistics, Snapshot, parse, read_snapshot
from stream.kafka.connection import KafkaConnection

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
bearwatch_window_stories{stream="news",entity="ACME",window="1h"} 5
bearwatch_window_stories{stream="comments",source="Macro",window="1h"} 6
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


def test_metrics_are_read_into_a_snapshot_with_a_row_for_each_key():
    found = parse(METRICS, "serving", "lag 7 records")
    assert found == Snapshot(
        state="serving",
        reason="lag 7 records",
        documents=32,
        dead_letters=2,
        lag=7,
        keys=(
            KeyStatistics(Key("news", "topic", "Macro"), 30, 12, 0.25, 0.2, 0.4),
            KeyStatistics(Key("news", "entity", "ACME"), 0, 5),
            KeyStatistics(Key("comments", "source", "Macro"), 0, 6),
        ),
        watermark=1700000000,
    )


def test_a_worker_that_does_not_answer_is_starting():
    assert read_snapshot(f"127.0.0.1:{free_port()}") == Snapshot(state="starting")


def test_the_view_remembers_the_newest_alerts(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(snapshot, "MAX_ALERTS", 3)
    reader = AlertReader(KafkaConnection("kafka:9092"), "alerts")
    for number in range(10):
        reader._take(alert(id=str(number)))
    assert [each.id for each in reader.all()] == ["7", "8", "9"]
