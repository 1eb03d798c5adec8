"""PromQL that several panels share.

A key's gauges are on one worker, and the increments of a counter on the worker that made them. So gauges are joined by
`max by` the labels of the key (after a rebalance two workers may show one key for a moment, and a sum would
double it), and counters are summed after `rate`.
"""

from typing import NamedTuple


class Query(NamedTuple):
    """PromQL and the names of its series in the panel."""

    expr: str
    legend: str = "__auto"


ANY_STREAM = 'stream=~"$stream"'
ANY_TOPIC = f'{ANY_STREAM}, topic!=""'  # gauges of keys that are topics
ANY_ENTITY = f'{ANY_STREAM}, entity!=""'  # gauges of keys that are watched companies
MIN_STORIES = 8  # one negative story of one is a ratio of 100% and shows nothing


def of_key(gauge: str, labels: str = ANY_TOPIC, by: str = "stream, topic") -> str:
    """A gauge with one series per key."""
    return f"max by ({by}) ({gauge}{{{labels}}})"


def of_window(gauge: str, labels: str = ANY_TOPIC, by: str = "stream, topic") -> str:
    """A gauge of keys in the window that the dashboard's variable `window` names."""
    return of_key(gauge, f'{labels}, window="$window"', by)


def alert_level(labels: str = ANY_TOPIC, by: str = "stream, topic") -> str:
    """Per key 0 without an alert, 1 for a warning, 2 for a critical alert; the highest of all kinds."""
    critical = f'2 * bearwatch_alert_active{{{labels}, severity="critical"}}'
    warning = f'bearwatch_alert_active{{{labels}, severity="warning"}}'
    return f"max by ({by}) ({critical} or {warning})"


def each_minute(counter: str, by: str, labels: str = ANY_STREAM) -> str:
    """Increments of a counter per minute, summed over all workers."""
    return f"60 * sum by ({by}) (rate({counter}{{{labels}}}[$__rate_interval]))"


def quantiles(histogram: str, by: str = "") -> list[Query]:
    """Median, p90 and p99 over all workers, per value of the label `by` if one is given."""
    group, name = (f"le, {by}", f"{{{{{by}}}}} ") if by else ("le", "")
    buckets = f"sum by ({group}) (rate({histogram}_bucket[$__rate_interval]))"
    return [
        Query(f"histogram_quantile({rank}, {buckets})", f"{name}{label}")
        for rank, label in ((0.5, "median"), (0.9, "p90"), (0.99, "p99"))
    ]


EXCESS = (  # the ratio minus the baseline, for keys with enough stories
    f"({of_window('bearwatch_window_negative_ratio')} - {of_key('bearwatch_baseline_ratio')})"
    f" and {of_window('bearwatch_window_stories')} >= {MIN_STORIES}"
)
