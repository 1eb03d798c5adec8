"""The counters and histograms of a worker, defined once, on a registry that is passed in.

They have their children at zero from the start. The gauges of keys and partitions are in `state_collector`.
"""

from collections.abc import Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, disable_created_metrics

from alerting.kinds import KINDS
from bearwatch.core.printable import escaped
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
        self.repeated_documents = Counter(
            "bearwatch_repeated_documents_total",
            "Classified documents that are not counted, as later ones of their partition were: read again after the "
            "group's offsets were reset, or of a topic that was recreated.",
            ["stream"],
            registry=registry,
        )
        self.old_documents = Counter(
            "bearwatch_old_documents_total",
            "Classified documents that were published more than an hour before their event time.",
            ["stream"],
            registry=registry,
        )
        self.companies_found = Counter(
            "bearwatch_companies_found_total",
            "Watched companies found in classified documents.",
            ["stream"],
            registry=registry,
        )
        self.companies_left_out = Counter(
            "bearwatch_companies_left_out_total",
            "Watched companies left out because their document names too many.",
            ["stream"],
            registry=registry,
        )
        self.watched_companies = Gauge(
            "bearwatch_watched_companies", "Companies on the watch list in use.", registry=registry
        )
        self.rejected_watch_lists = Counter(
            "bearwatch_rejected_watch_lists_total",
            "Changes of the watch list's file that cannot be used; the former list stays in use.",
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
                self.classified.labels(stream, escaped(topic), escaped(sentiment))
        for reason in self._reasons:
            self.dead_letters.labels(stream, reason)
        for kind in KINDS:
            for severity in SEVERITIES:
                for state in TRANSITIONS:
                    self.alert_transitions.labels(stream, kind, severity, state)
        self.companies_found.labels(stream)
        self.companies_left_out.labels(stream)
        self.late_documents.labels(stream)
        self.repeated_documents.labels(stream)
        self.old_documents.labels(stream)
        self.end_to_end_seconds.labels(stream)

    def runs_with(self, engine: str, model: str, policy: str) -> None:
        """Set the labels of `bearwatch_worker_info`; `model` and `policy` are hashes."""
        self.worker.info({"engine": engine, "model": model, "policy": policy})

    def classified_document(self, stream: str, topic: str, sentiment: str) -> None:
        self.documents.labels(stream, "classified").inc()
        self.classified.labels(stream, escaped(topic), escaped(sentiment)).inc()

    def dead_letter(self, stream: str, reason: str) -> None:
        """Count a rejected document; a reason that is not in `dead_letter_reasons` counts as "other"."""
        self.documents.labels(stream, "dead_letter").inc()
        self.dead_letters.labels(stream, reason if reason in self._reasons else "other").inc()
