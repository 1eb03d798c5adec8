"""PromQL that several panels share.

A key's gauges stand on one worker and a counter's increments on whichever worker made them. So gauges are joined with
`max by` the labels of the key (for a moment after a rebalance two workers may show one key, and a sum would
double it), and counters are summed after `rate`.
"""

from typing import NamedTuple


class Query(NamedTuple):
    """PromQL and what its series are called in the panel."""

    expr: str
    legend: str = "__auto"


ANY_STREAM = 'stream=~"$stream"'
MIN_STORIES = 8  # one negative story of one is a share of 100% and says nothing


def of_key(gauge: str, labels: str = ANY_STREAM, by: str = "stream, topic") -> str:
    """A gauge of keys, each once."""
    return f"max by ({by}) ({gauge}{{{labels}}})"


def of_window(gauge: str) -> str:
    """A gauge of keys in the window that the dashboard's variable names."""
    return of_key(gauge, f'{ANY_STREAM}, window="$window"')


def alert_level(labels: str = ANY_STREAM) -> str:
    """0 without an alert, 1 for a warning, 2 for a critical one, per key; the worst of its kinds."""
    critical = f'2 * bearwatch_alert_active{{{labels}, severity="critical"}}'
    warning = f'bearwatch_alert_active{{{labels}, severity="warning"}}'
    return f"max by (stream, topic) ({critical} or {warning})"


def each_minute(counter: str, by: str, labels: str = ANY_STREAM) -> str:
    """Increments of a counter in a minute, over all workers."""
    return f"60 * sum by ({by}) (rate({counter}{{{labels}}}[$__rate_interval]))"


def quantiles(histogram: str, by: str = "") -> list[Query]:
    """Median, p90 and p99 over all workers, per value of the label `by` if one is given."""
    group, name = (f"le, {by}", f"{{{{{by}}}}} ") if by else ("le", "")
    buckets = f"sum by ({group}) (rate({histogram}_bucket[$__rate_interval]))"
    return [
        Query(f"histogram_quantile({rank}, {buckets})", f"{name}{label}")
        for rank, label in ((0.5, "median"), (0.9, "p90"), (0.99, "p99"))
    ]


EXCESS = (  # how much higher the share is than usual, for keys with stories enough
    f"({of_window('bearwatch_window_negative_ratio')} - {of_key('bearwatch_baseline_ratio')})"
    f" and {of_window('bearwatch_window_stories')} >= {MIN_STORIES}"
)
