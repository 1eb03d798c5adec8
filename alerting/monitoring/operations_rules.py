"""Alerting rules about the system itself: it detects nothing, it is late, or it cannot notify."""

from alerting.monitoring.alert_rules import AlertRule
from alerting.monitoring.labels import window_label
from alerting.monitoring.recording_rules import slow_ratio
from alerting.monitoring.rule_timing import Timing

OBJECTIVE_RATIO = 0.99  # of the documents must be evaluated in time
# Burn rates over a month, from the Site Reliability Workbook, chapter 5: 2 % of the budget of slow documents
# in an hour or 5 % in six hours page, 10 % in three days can wait for the morning.
BURNS = {"critical": ((14.4, "1h", "5m"), (6, "6h", "30m")), "warning": ((1, "3d", "6h"),)}
FEWEST_DOCUMENTS = 20  # a ratio of fewer shows nothing


def operations_rules(timing: Timing) -> list[AlertRule]:
    """Every rule of team `operations`, in the order of the file."""
    return [
        *_worker_rules(timing),
        *_progress_rules(timing),
        *(_burn_rule(severity, timing) for severity in BURNS),
        *_input_rules(),
        *_notification_rules(),
    ]


def _worker_rules(timing: Timing) -> list[AlertRule]:
    handover = window_label(timing.handover_seconds)
    differs = [
        AlertRule(
            name=f"{what.capitalize()}Differs",
            severity="warning",
            expr=f"count(count by ({what}) (last_over_time(bearwatch_worker_info[{handover}]))) > 1",
            for_seconds=900,  # a rolling update takes minutes
            summary=f"Workers run with {{{{ $value }}}} different {plural}",
            description=f"The alerts of different workers are not comparable:{{{{ range query `count by ({what}) "
            f"(bearwatch_worker_info)` | sortByLabel `{what}` }}}} "
            f"{{{{ .Value }}}} with {{{{ .Labels.{what} }}}};{{{{ end }}}} "
            "all must run with one.",
        )
        for what, plural in (("model", "models"), ("policy", "policies"))
    ]
    return [
        AlertRule(
            name="WorkerDown",
            severity="warning",
            expr='up{job="bearwatch"} == 0',
            for_seconds=60,  # four scrapes of 15 s; a restart takes less
            keep_firing_seconds=timing.handover_seconds,  # a worker that is up only for moments is down
            summary="Worker {{ $labels.instance }} is down",
            description="Prometheus has not reached the worker for a minute. The others have taken over its "
            "partitions, if others run.",
        ),
        AlertRule(
            name="NoWorker",
            severity="critical",
            expr='absent(up{job="bearwatch"} == 1)',
            for_seconds=60,
            keep_firing_seconds=timing.handover_seconds,  # a worker that exits repeatedly does not count
            summary="No worker runs",
            description="No document is classified and no surge can be detected. Prometheus has reached no worker "
            "for a minute.",
        ),
        *differs,
    ]


def _progress_rules(timing: Timing) -> list[AlertRule]:
    return [
        AlertRule(
            name="LagGrowing",
            severity="warning",
            expr="kafka_topic:bearwatch_lag_records:sum > 1000\n"
            "and\n"
            "kafka_topic:bearwatch_lag_records:sum > kafka_topic:bearwatch_lag_records:sum offset 5m",
            for_seconds=300,
            keep_firing_seconds=300,  # a large batch makes the lag fall for a moment
            summary='Lag on {{ $labels.kafka_topic }} grows: {{ $value | printf "%.0f" }} records',
            description="For ten minutes more records have arrived than the workers have read.",
        ),
        AlertRule(
            name="EventTimeBehind",
            severity="critical",
            # A partition that no worker evaluates has no series: its last known watermark counts.
            expr="time() - min(last_over_time(partition:bearwatch_watermark_timestamp_seconds:max[3d])) "
            f"> {timing.behind_seconds}",
            for_seconds=300,  # an import of a few days of history takes less
            summary="Evaluation is {{ $value | humanizeDuration }} behind",
            description="Windows are evaluated up to {{ $value | humanizeDuration }} ago. Surges are detected that "
            "much later, and page nobody once they are historical.",
        ),
    ]


def _burn_rule(severity: str, timing: Timing) -> AlertRule:
    budget = 1 - OBJECTIVE_RATIO
    return AlertRule(
        name="EndToEndSlow",
        severity=severity,
        expr="\nor\n".join(
            f"(\n  {slow_ratio(long)} > {rate * budget:.3g}\n"
            f"  and {slow_ratio(short)} > {rate * budget:.3g}\n"
            f"  and sum by (stream) (increase(bearwatch_end_to_end_seconds_count[{long}])) "
            f">= {FEWEST_DOCUMENTS}\n)"
            for rate, long, short in BURNS[severity]
        ),
        keep_firing_seconds=300,
        summary="{{ $labels.stream }}: documents are evaluated too late",
        description="{{ $value | humanizePercentage }} of the documents took longer than "
        f"{timing.objective_seconds:g} s from publication to evaluation; the objective allows {budget:.0%}.",
    )


def _input_rules() -> list[AlertRule]:
    return [
        _rising(
            "DeadLettersRising",
            "stream:bearwatch_dead_letters:ratio_rate10m",
            "bearwatch_dead_letters_total",
            0.05,
            "of the documents are rejected",
            "{{ range query (printf `topk(1, sum by (reason) (increase(bearwatch_dead_letters_total"
            "{stream=%q}[10m])))` $labels.stream) }}The most frequent reason is {{ .Labels.reason }}. {{ end }}"
            "The originals are in the dead-letters topic.",
        ),
        _rising(
            "LateDocumentsRising",
            "stream:bearwatch_late_documents:ratio_rate10m",
            "bearwatch_late_documents_total",
            0.02,
            "of the documents arrive too late to be counted",
            "Their panes were closed when they arrived. They are in no window.",
        ),
        AlertRule(
            name="NoDocuments",
            severity="warning",
            expr='sum by (stream) (increase(bearwatch_documents_total{outcome="classified"}[10m])) == 0',
            for_seconds=1200,  # with the ten minutes above, half an hour
            summary="No documents on {{ $labels.stream }} for half an hour",
            description="Workers run, but nothing arrives on {{ $labels.stream }}, or all of it is rejected. No surge "
            "can be detected there.",
        ),
    ]


def _rising(name: str, ratio: str, counter: str, limit: float, title: str, description: str) -> AlertRule:
    return AlertRule(
        name=name,
        severity="warning",
        expr=f"{ratio} > {limit}\nand\nsum by (stream) (increase({counter}[10m])) >= 10",
        for_seconds=120,
        keep_firing_seconds=300,
        summary=f"{{{{ $labels.stream }}}}: {{{{ $value | humanizePercentage }}}} {title}",
        description=description,
    )


def _notification_rules() -> list[AlertRule]:
    return [
        AlertRule(
            name="NotificationsFailing",
            severity="critical",
            expr="sum by (integration) (increase(alertmanager_notifications_failed_total[5m])) > 0",
            keep_firing_seconds=300,
            summary="Notifications by {{ $labels.integration }} fail",
            description="Alertmanager could not deliver and retries. Until it can, nobody is notified of a surge "
            "by this integration.",
        ),
        AlertRule(
            name="Watchdog",
            severity="none",
            expr="vector(1)",
            summary="Alerting works",
            description="This alert always fires. If it stops arriving, Prometheus, Alertmanager or the "
            "connection between them is down.",
        ),
    ]
