"""Every Prometheus metric of a worker, defined once, on a registry that is passed in.

Counters and histograms have their children at zero from the start (`Metrics`). What describes a key or a
partition is read at each scrape from the worker's state (`StateCollector`): its series appear once that state is
recovered and disappear when the partition moves to another worker.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Counter, Histogram, Info, Metric, disable_created_metrics
from prometheus_client.registry import Collector

from alerting.detector import Decision, KeyDecision
from alerting.kinds import KINDS, RATE_KIND
from bearwatch.core.streams import STREAMS

OUTCOMES = ("classified", "dead_letter")
SEVERITIES = ("warning", "critical")
TRANSITIONS = ("firing", "updated", "resolved")

UNEXPLAINED = ("timeout", "error")

BATCH_DOCUMENTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)
INFERENCE_SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5)
# Two evaluations 15 s apart and 5 s of out-of-orderness take about half a minute: there the bounds are closest.
END_TO_END_SECONDS = (1, 2, 5, 10, 15, 20, 25, 30, 45, 60, 120, 300, 900, 3600)


class Metrics:
    """The counters, histograms and the info metric of a worker."""

    def __init__(
        self,
        registry: CollectorRegistry,
        *,
        topics: Sequence[str],
        sentiments: Sequence[str],
        dead_letter_reasons: Sequence[str],
        streams: Sequence[str] = STREAMS,
    ) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # they double the number of series and are not used
        self._reasons = (*dead_letter_reasons, "other")
        self.documents = Counter(
            "bearwatch_documents_total",
            "Documents read, by outcome.",
            ["stream", "outcome"],
            registry=registry,
        )
        self.classified = Counter(
            "bearwatch_classified_total",
            "Documents classified, by label.",
            ["stream", "topic", "sentiment"],
            registry=registry,
        )
        self.dead_letters = Counter(
            "bearwatch_dead_letters_total",
            "Documents rejected, by reason.",
            ["stream", "reason"],
            registry=registry,
        )
        self.late_documents = Counter(
            "bearwatch_late_documents_total",
            "Classified documents whose pane was already closed; they are in no window.",
            ["stream"],
            registry=registry,
        )
        self.alert_transitions = Counter(
            "bearwatch_alert_transitions_total",
            "Messages written to the alerts topic.",
            ["stream", "kind", "severity", "state"],
            registry=registry,
        )
        self.unexplained_alerts = Counter(
            "bearwatch_unexplained_alerts_total",
            "Messages of alerts written without the words that explain them: they took too long, or an error.",
            ["reason"],
            registry=registry,
        )
        self.batch_documents = Histogram(
            "bearwatch_batch_documents",
            "Documents handed to the classifier at once.",
            buckets=BATCH_DOCUMENTS,
            registry=registry,
        )
        self.inference_seconds = Histogram(
            "bearwatch_inference_seconds",
            "Time to classify one batch.",
            buckets=INFERENCE_SECONDS,
            registry=registry,
        )
        self.end_to_end_seconds = Histogram(
            "bearwatch_end_to_end_seconds",
            "Time from a document's publication to the first evaluation that counts it.",
            ["stream"],
            buckets=END_TO_END_SECONDS,
            registry=registry,
        )
        self.worker = Info(
            "bearwatch_worker",
            "The engine, model and policy of this worker; model and policy as hashes.",
            registry=registry,
        )
        for reason in UNEXPLAINED:
            self.unexplained_alerts.labels(reason)
        for stream in streams:
            self._start_at_zero(stream, topics, sentiments)

    def _start_at_zero(self, stream: str, topics: Sequence[str], sentiments: Sequence[str]) -> None:
        for outcome in OUTCOMES:
            self.documents.labels(stream, outcome)
        for topic in topics:
            for sentiment in sentiments:
                self.classified.labels(stream, topic, sentiment)
        for reason in self._reasons:
            self.dead_letters.labels(stream, reason)
        for kind in KINDS:
            for severity in SEVERITIES:
                for state in TRANSITIONS:
                    self.alert_transitions.labels(stream, kind, severity, state)
        self.late_documents.labels(stream)
        self.end_to_end_seconds.labels(stream)

    def runs_with(self, engine: str, model: str, policy: str) -> None:
        """Set the labels of `bearwatch_worker_info`; `model` and `policy` are hashes."""
        self.worker.info({"engine": engine, "model": model, "policy": policy})

    def classified_document(self, stream: str, topic: str, sentiment: str) -> None:
        self.documents.labels(stream, "classified").inc()
        self.classified.labels(stream, topic, sentiment).inc()

    def dead_letter(self, stream: str, reason: str) -> None:
        """Count a rejected document; a reason that is not in `dead_letter_reasons` counts as "other"."""
        self.documents.labels(stream, "dead_letter").inc()
        self.dead_letters.labels(stream, reason if reason in self._reasons else "other").inc()


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


def window_label(seconds: int) -> str:
    """A duration in seconds as Prometheus writes it: 15m, 1h, 90s."""
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
