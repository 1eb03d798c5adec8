"""Recording rules, named level:metric:operations. Ratios are made of sums, never averaged.

Gauges of a key or partition are looked up over the time of a handover: while it changes its worker, the last
value counts. Range functions skip a missed scrape.
"""

from dataclasses import dataclass

from alerting.monitoring.labels import window_label
from alerting.monitoring.rule_timing import Timing

BURN_WINDOWS = ("5m", "30m", "1h", "6h", "3d")


@dataclass(frozen=True)
class Recording:
    """A recording rule: its name and its PromQL expression."""

    name: str
    expr: str


def recordings(timing: Timing) -> list[Recording]:
    """Every recording rule, in the order of the file."""
    handover = window_label(timing.handover_seconds)
    return [
        Recording(
            "kafka_topic:bearwatch_lag_records:sum",
            "sum by (kafka_topic) (\n"
            f"  max by (kafka_topic, partition) (max_over_time(bearwatch_lag_records[{handover}]))\n"
            ")",
        ),
        Recording(
            "partition:bearwatch_watermark_timestamp_seconds:max",
            f"max by (partition) (max_over_time(bearwatch_watermark_timestamp_seconds[{handover}]))",
        ),
        _ratio(
            "stream:bearwatch_dead_letters:ratio_rate10m",
            "bearwatch_dead_letters_total",
            "bearwatch_documents_total",
        ),
        _ratio(
            "stream:bearwatch_late_documents:ratio_rate10m",
            "bearwatch_late_documents_total",
            'bearwatch_documents_total{outcome="classified"}',
        ),
        *(_slow(timing.objective_seconds, window) for window in BURN_WINDOWS),
    ]


def _ratio(name: str, part: str, whole: str) -> Recording:
    """The ratio of two counters' rates over ten minutes, per stream; NaN without documents."""
    return Recording(name, f"sum by (stream) (rate({part}[10m]))\n/\nsum by (stream) (rate({whole}[10m]))")


def slow_ratio(window: str) -> str:
    """The name of the recorded ratio of documents evaluated too late, over a window as in BURN_WINDOWS."""
    return f"stream:bearwatch_end_to_end_seconds:slow_ratio_rate{window}"


def _slow(objective_seconds: float, window: str) -> Recording:
    return Recording(
        slow_ratio(window),
        "1 -\n"
        f'sum by (stream) (rate(bearwatch_end_to_end_seconds_bucket{{le="{objective_seconds}"}}[{window}]))\n'
        f"/\nsum by (stream) (rate(bearwatch_end_to_end_seconds_count[{window}]))",
    )
