"""A kind of alert that nobody has heard of: one detector and one entry, and everything else follows."""

from collections.abc import Sequence

import msgspec
import pytest
import yaml
from messages import classified
from policies import MINUTE_POLICY
from prometheus_client import CollectorRegistry

from alerting.alerts import Alert
from alerting.detection.policy import load_policy
from alerting.detector import Decision, Detector, Firing, Level, WindowCounts, WindowScore
from alerting.evidence.wording import title
from alerting.kinds import KINDS, Kind, detectors
from alerting.monitoring.metrics import Metrics
from alerting.monitoring.rules import Links, rule_files
from alerting.monitoring.state_collector import StateCollector
from bearwatch.core.key import Key
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.state import PartitionState, load
from stream.messages import Tick

POLICY = load_policy(MINUTE_POLICY)
START = 1_800_000_000 // 3600 * 3600
KIND = "flood"


class FloodState(msgspec.Struct, frozen=True):
    firing: Firing | None = None


class FloodDetector:
    """Fires once the shortest window holds five documents, and for ten minutes, whatever they say."""

    kind = KIND
    state_type = FloodState

    def initial(self) -> FloodState:
        return FloodState()

    def evaluate(
        self, state: FloodState, key: Key, windows: Sequence[WindowCounts], time: float
    ) -> tuple[FloodState, Decision]:
        decision = self.describe(state, key, windows, time)
        (score, *_), firing = decision.scores, state.firing
        if firing is None and score.counts.documents >= 5:
            firing = Firing(time, score.counts.window_seconds, "warning")
            return FloodState(firing), decision._replace(alert=firing, transition="firing", decisive=score)
        if firing is not None and time >= firing.since + 600:
            return FloodState(), decision._replace(transition="resolved")
        return state, decision

    def describe(self, state: FloodState, key: Key, windows: Sequence[WindowCounts], time: float) -> Decision:
        levels = [Level.ABNORMAL if each.documents >= 5 else Level.CLEAR for each in windows]
        scores = tuple(
            WindowScore(each, float(each.documents), None, None, level)
            for each, level in zip(windows, levels, strict=True)
        )
        return Decision(time, True, 0.0, scores, state.firing, decisive=scores[0])

    def next_evaluation(
        self, state: FloodState, windows: Sequence[WindowCounts], time: float
    ) -> float | None:
        return None if state.firing is None else state.firing.since + 600


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    kind = Kind(
        "Flood", "flood of {stream} about {subject}", "Many documents came.", lambda _: FloodDetector()
    )
    monkeypatch.setitem(KINDS, KIND, kind)


def tick(time: float) -> Tick:
    return Tick(source="news-0", offset=0, event_time=time)


def flooded() -> tuple[Aggregator, list[Alert], PartitionState]:
    """An aggregator that has counted six neutral documents in one pane, what it said, and its records."""
    aggregator = Aggregator(POLICY, "test", ["news-0"])
    for second in range(6):
        aggregator.apply(classified(START + second), START + 6.0)
    aggregator.apply(tick(START + 20), START + 20.0)
    changes, state = aggregator.take_changes(), PartitionState()
    for key, value in changes.records.items():
        load(state, key, value)
    return aggregator, changes.alerts, state


def test_it_is_a_detector_next_to_the_others():
    found: tuple[Detector, ...] = detectors(POLICY)
    assert [each.kind for each in found] == ["surge", KIND]


def test_it_fires_and_says_so_in_its_own_words():
    _, (alert,), _ = flooded()
    assert (alert.kind, alert.state, alert.severity, alert.documents) == (KIND, "firing", "warning", 6)
    assert (alert.score, alert.p_value, alert.negative_stories) == (6.0, None, 0)
    assert title(alert) == "warning flood of news about Financials"
    assert msgspec.json.decode(msgspec.json.encode(alert), type=Alert) == alert


def test_it_resolves_at_the_time_it_asked_for_though_no_document_comes_even_after_a_restart():
    aggregator, (fired,), state = flooded()
    for each in (aggregator, Aggregator(POLICY, "test", ["news-0"], state)):
        each.apply(tick(START + 619), START + 619.0)
        assert each.take_changes().alerts == [], "ten minutes have not passed"
        each.apply(tick(START + 621), START + 621.0)
        (resolved,) = each.take_changes().alerts
        assert (resolved.state, resolved.id) == ("resolved", fired.id)
        assert resolved.window_end.timestamp() == START + 615


def test_its_metrics_are_there():
    aggregator, _, _ = flooded()
    registry = CollectorRegistry()
    Metrics(registry, topics=["Financials"], sentiments=["neutral"], dead_letter_reasons=["json"])
    registry.register(StateCollector(aggregator.decisions, list, list))
    transitions = {"stream": "news", "kind": KIND, "severity": "warning", "state": "firing"}
    assert registry.get_sample_value("bearwatch_alert_transitions_total", transitions) == 0
    for kind, active in ((KIND, 1), ("surge", 0)):
        labels = {"stream": "news", "topic": "Financials", "kind": kind, "severity": "warning"}
        assert registry.get_sample_value("bearwatch_alert_active", labels) == active
    window = {"stream": "news", "topic": "Financials", "window": "1m"}
    assert registry.get_sample_value("bearwatch_window_documents", window) == 6, "counted once, not per kind"


def test_its_rules_are_written_with_its_words_and_its_runbook():
    groups = yaml.safe_load(rule_files(POLICY, 20.0, Links(runbooks="runbooks"))["alerts.yml"])["groups"]
    rules = [rule for group in groups for rule in group["rules"] if rule["alert"] == "Flood"]
    assert [rule["labels"]["severity"] for rule in rules] == ["critical", "warning"]
    for rule in rules:
        assert f'bearwatch_alert_active{{kind="{KIND}"' in rule["expr"]
        assert "flood of {{ $labels.stream }} about {{ $labels.topic }}" in rule["annotations"]["summary"]
        assert rule["annotations"]["description"].endswith("Many documents came.")
        assert rule["annotations"]["runbook_url"] == "runbooks/Flood"
