"""The gauges of a worker: what describes a key or a partition is read from the worker's state at each scrape.

The series of a partition appear once its state is recovered, and disappear when it moves to another worker.
"""

from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple

from prometheus_client import Metric
from prometheus_client.registry import Collector

from alerting.detector import Decision, KeyDecision
from alerting.kinds import RATE_KIND
from alerting.monitoring.labels import window_label
from alerting.monitoring.metrics import SEVERITIES


class PartitionLag(NamedTuple):
    kafka_topic: str
    partition: int
    records: int


class StateCollector(Collector):
    """Gauges read from the worker's state at each scrape.

    The callables run in the scrape's thread: they must return data that no other thread changes. `watermarks`
    gives partitions of `classified` with their watermark in seconds since the epoch.
    """

    def __init__(
        self,
        keys: Callable[[], Iterable[KeyDecision]],
        lags: Callable[[], Iterable[PartitionLag]],
        watermarks: Callable[[], Iterable[tuple[int, float]]],
        stories: Callable[[], Iterable[tuple[int, int]]] = lambda: (),
    ) -> None:
        self._keys, self._lags, self._watermarks, self._stories = keys, lags, watermarks, stories

    def describe(self) -> Iterator[Metric]:
        return iter(_families().values())

    def collect(self) -> Iterator[Metric]:
        families = _families()
        for each in self._keys():
            _add_key(families, each)
        for kafka_topic, partition, records in self._lags():
            labels = {"kafka_topic": kafka_topic, "partition": str(partition)}
            _add(families, "bearwatch_lag_records", labels, records)
        for partition, seconds in self._watermarks():
            _add(families, "bearwatch_watermark_timestamp_seconds", {"partition": str(partition)}, seconds)
        for partition, count in self._stories():
            _add(families, "bearwatch_state_stories", {"partition": str(partition)}, count)
        return iter(families.values())


GAUGES = {
    "bearwatch_window_documents": "Documents in a window of a key.",
    "bearwatch_window_stories": "Stories in a window of a key.",
    "bearwatch_window_negative_stories": "Negative stories in a window of a key.",
    "bearwatch_window_negative_ratio": "Ratio of negative stories in a window of a key.",
    "bearwatch_window_p_value": "Probability of as many negative stories or more under the baseline.",
    "bearwatch_baseline_ratio": "Ratio of negative stories in the baseline of a key.",
    "bearwatch_baseline_ready": "Whether a key is past its warm-up, so that its alerts can fire (1), or not (0).",
    "bearwatch_alert_active": "Whether an alert of a key that is not historical fires now (1) or not (0).",
    "bearwatch_state_stories": "Stories that the state of an owned partition remembers.",
    "bearwatch_lag_records": "Records of an owned Kafka partition that are not yet read.",
    "bearwatch_watermark_timestamp_seconds": "Event time up to which an owned partition has been evaluated.",
}


def _families() -> dict[str, Metric]:
    return {name: Metric(name, text, "gauge") for name, text in GAUGES.items()}


def _add(families: dict[str, Metric], name: str, labels: dict[str, str], value: float) -> None:
    families[name].add_sample(name, labels, value)


def _add_key(families: dict[str, Metric], each: KeyDecision) -> None:
    labels, decision = each.key.labels, each.decision
    active = decision.alert.severity if decision.alert and decision.firing and not each.historical else None
    if (
        each.key.dimension == "entity"
        and active is None
        and not any(score[0].documents for score in decision.scores)
    ):
        return  # of thousands of watched companies few are in the news
    for severity in SEVERITIES:
        alert = {**labels, "kind": each.kind, "severity": severity}
        _add(families, "bearwatch_alert_active", alert, severity == active)
    if each.kind == RATE_KIND:
        _add_rates(families, labels, decision)


def _add_rates(families: dict[str, Metric], labels: dict[str, str], decision: Decision) -> None:
    _add(families, "bearwatch_baseline_ratio", labels, decision.baseline_ratio)
    _add(families, "bearwatch_baseline_ready", labels, decision.ready)
    for counts, _, p_value, *_ in decision.scores:
        window = {**labels, "window": window_label(counts.window_seconds)}
        if counts.stories:
            ratio = counts.negative_stories / counts.stories
            _add(families, "bearwatch_window_documents", window, counts.documents)
            _add(families, "bearwatch_window_stories", window, counts.stories)
            _add(families, "bearwatch_window_negative_stories", window, counts.negative_stories)
            _add(families, "bearwatch_window_negative_ratio", window, ratio)
        if p_value is not None:
            _add(families, "bearwatch_window_p_value", window, p_value)
