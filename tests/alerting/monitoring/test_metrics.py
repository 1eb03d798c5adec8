"""The metrics: zero from the start, gauges only for what is owned, and names as Prometheus wants them."""

import subprocess

import pytest
from external_tools import external_tool
from prometheus_client import CollectorRegistry, generate_latest

from alerting.detector import Decision, Firing, KeyDecision, Level, WindowCounts, WindowScore
from alerting.monitoring.labels import window_label
from alerting.monitoring.metrics import Metrics
from alerting.monitoring.state_collector import GAUGES, PartitionLag, StateCollector
from bearwatch.core.key import Key

TOPIC = {"stream": "news", "topic": "Energy | Oil"}
KEY = Key.parse("news/topic:Energy | Oil")
ACME = Key.parse("comments/entity:ACME")
FULL = WindowScore(WindowCounts(900, 900, 12, 9, 10, 8, 5), 6.0, 1e-6, 4.0, Level.ABNORMAL)
EMPTY = WindowScore(WindowCounts(3600, 900, 0, 0, 0, 0, 0), None, None, None, Level.CLEAR)
QUIET = Decision(900, True, 0.2, (FULL, EMPTY))
FIRING = QUIET._replace(alert=Firing(900, 900, "critical"), transition="firing", decisive=FULL)


class Worker:
    """A registry with all metrics, and the state that the gauges read."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.metrics = Metrics(
            self.registry,
            topics=["Energy | Oil", "IPO"],
            sentiments=["negative", "neutral", "positive"],
            dead_letter_reasons=["invalid_json"],
        )
        self.keys: list[KeyDecision] = []
        self.lags: list[PartitionLag] = []
        self.watermarks: list[tuple[int, float]] = []
        collector = StateCollector(lambda: self.keys, lambda: self.lags, lambda: self.watermarks)
        self.registry.register(collector)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def text(self) -> str:
        return generate_latest(self.registry).decode()


@pytest.fixture
def worker() -> Worker:
    return Worker()


@pytest.mark.parametrize(
    ("name", "labels"),
    [
        ("bearwatch_documents_total", {"stream": "news", "outcome": "classified"}),
        ("bearwatch_documents_total", {"stream": "comments", "outcome": "dead_letter"}),
        ("bearwatch_classified_total", {"stream": "comments", "topic": "IPO", "sentiment": "neutral"}),
        ("bearwatch_dead_letters_total", {"stream": "news", "reason": "invalid_json"}),
        ("bearwatch_dead_letters_total", {"stream": "news", "reason": "other"}),
        ("bearwatch_late_documents_total", {"stream": "comments"}),
        ("bearwatch_repeated_documents_total", {"stream": "news"}),
        ("bearwatch_companies_found_total", {"stream": "comments"}),
        ("bearwatch_companies_left_out_total", {"stream": "news"}),
        ("bearwatch_watched_companies", {}),
        ("bearwatch_rejected_watch_lists_total", {}),
        ("bearwatch_old_documents_total", {"stream": "news"}),
        (
            "bearwatch_alert_transitions_total",
            {"stream": "news", "kind": "surge", "severity": "warning", "state": "firing"},
        ),
        ("bearwatch_end_to_end_seconds_count", {"stream": "comments"}),
        ("bearwatch_batch_documents_count", {}),
        ("bearwatch_inference_seconds_count", {}),
    ],
)
def test_counts_start_at_zero(worker, name, labels):
    assert worker.value(name, **labels) == 0


def test_a_document_is_counted_by_outcome_and_by_label(worker):
    worker.metrics.classified_document("news", "IPO", "negative")
    worker.metrics.dead_letter("news", "invalid_json")
    assert worker.value("bearwatch_documents_total", stream="news", outcome="classified") == 1
    assert worker.value("bearwatch_classified_total", stream="news", topic="IPO", sentiment="negative") == 1
    assert worker.value("bearwatch_documents_total", stream="news", outcome="dead_letter") == 1
    assert worker.value("bearwatch_dead_letters_total", stream="news", reason="invalid_json") == 1


def test_an_unannounced_reason_makes_no_new_series(worker):
    before = worker.text().count("\n")
    worker.metrics.dead_letter("news", "text of a user's document")
    assert worker.text().count("\n") == before
    assert worker.value("bearwatch_dead_letters_total", stream="news", reason="other") == 1


def test_gauges_appear_with_the_state_and_vanish_with_it(worker):
    before = worker.text()
    worker.keys = [KeyDecision(KEY, "surge", QUIET)]
    worker.lags = [PartitionLag("bearwatch.news", 3, 17)]
    worker.watermarks = [(0, 900.0)]
    assert worker.value("bearwatch_window_negative_ratio", **TOPIC, window="15m") == 0.8
    assert worker.value("bearwatch_window_stories", **TOPIC, window="15m") == 10
    assert worker.value("bearwatch_window_negative_stories", **TOPIC, window="15m") == 8
    assert worker.value("bearwatch_window_documents", **TOPIC, window="15m") == 12
    assert worker.value("bearwatch_window_p_value", **TOPIC, window="15m") == 1e-6
    assert worker.value("bearwatch_baseline_ratio", **TOPIC) == 0.2
    assert worker.value("bearwatch_baseline_ready", **TOPIC) == 1
    assert worker.value("bearwatch_lag_records", kafka_topic="bearwatch.news", partition="3") == 17
    assert worker.value("bearwatch_watermark_timestamp_seconds", partition="0") == 900
    worker.keys, worker.lags, worker.watermarks = [], [], []
    assert worker.text() == before


def test_an_empty_window_has_no_series(worker):
    worker.keys = [KeyDecision(KEY, "surge", QUIET)]
    assert 'window="15m"' in worker.text()
    assert 'window="1h"' not in worker.text()


def test_warming_up_has_no_p_value(worker):
    worker.keys = [
        KeyDecision(KEY, "surge", QUIET._replace(ready=False, scores=(FULL._replace(p_value=None), EMPTY)))
    ]
    assert worker.value("bearwatch_window_p_value", **TOPIC, window="15m") is None
    assert worker.value("bearwatch_window_stories", **TOPIC, window="15m") == 10
    assert worker.value("bearwatch_baseline_ready", **TOPIC) == 0


@pytest.mark.parametrize(
    ("found", "warning", "critical"),
    [
        (KeyDecision(KEY, "surge", QUIET), 0, 0),
        (KeyDecision(KEY, "surge", FIRING), 0, 1),
        (KeyDecision(KEY, "surge", FIRING._replace(alert=Firing(900, 900, "warning"))), 1, 0),
        (KeyDecision(KEY, "surge", FIRING, historical=True), 0, 0),
        (KeyDecision(KEY, "surge", FIRING._replace(transition="resolved")), 0, 0),
    ],
    ids=["quiet", "critical", "warning", "historical", "resolved"],
)
def test_alert_active_has_a_series_for_each_severity(worker, found, warning, critical):
    worker.keys = [found]
    assert worker.value("bearwatch_alert_active", **TOPIC, kind="surge", severity="warning") == warning
    assert worker.value("bearwatch_alert_active", **TOPIC, kind="surge", severity="critical") == critical


def test_an_entity_is_labelled_as_one(worker):
    worker.keys = [KeyDecision(ACME, "surge", QUIET)]
    assert worker.value("bearwatch_baseline_ratio", stream="comments", entity="ACME") == 0.2


def test_a_company_that_is_in_no_window_has_no_series_unless_an_alert_about_it_fires(worker):
    without = QUIET._replace(scores=(EMPTY, EMPTY))
    before = worker.text()
    worker.keys = [KeyDecision(ACME, "surge", without)]
    assert worker.text() == before
    worker.keys = [KeyDecision(ACME, "surge", without._replace(alert=Firing(900, 900, "warning")))]
    labels = {"stream": "comments", "entity": "ACME", "kind": "surge", "severity": "warning"}
    assert worker.value("bearwatch_alert_active", **labels) == 1
    worker.keys = [KeyDecision(KEY, "surge", without)]
    assert worker.value("bearwatch_baseline_ratio", **TOPIC) == 0.2, "a topic always has its series"


def test_a_source_is_labelled_as_one(worker):
    worker.keys = [KeyDecision(Key.parse("news/source:Wire"), "surge", FIRING)]
    assert worker.value("bearwatch_window_stories", stream="news", source="Wire", window="15m") == 10
    labels = {"stream": "news", "source": "Wire", "kind": "surge", "severity": "critical"}
    assert worker.value("bearwatch_alert_active", **labels) == 1


def test_worker_says_what_it_runs_with(worker):
    worker.metrics.runs_with(engine="openvino bf16", model="aa", policy="bb")
    assert worker.value("bearwatch_worker_info", engine="openvino bf16", model="aa", policy="bb") == 1


def test_every_gauge_is_described_and_no_name_is_taken_twice(worker):
    assert set(GAUGES) <= {family.name for family in worker.registry.collect()}
    with pytest.raises(ValueError, match="Duplicated"):
        worker.registry.register(StateCollector(list, list, list))


@pytest.mark.parametrize(
    ("seconds", "label"), [(900, "15m"), (3600, "1h"), (21600, "6h"), (90, "90s"), (86400, "1d")]
)
def test_windows_are_labelled_as_prometheus_writes_durations(seconds, label):
    assert window_label(seconds) == label


def test_promtool_finds_no_fault(worker):
    promtool = external_tool("promtool")
    worker.keys = [KeyDecision(KEY, "surge", FIRING), KeyDecision(ACME, "surge", QUIET)]
    worker.lags = [PartitionLag("bearwatch.news", 3, 17)]
    worker.watermarks = [(0, 900.0)]
    worker.metrics.runs_with(engine="onnxruntime", model="aa", policy="bb")
    checked = subprocess.run(
        [promtool, "check", "metrics"], input=worker.text(), text=True, capture_output=True, check=False
    )
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")
