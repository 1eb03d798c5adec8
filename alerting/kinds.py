"""The kinds of alert on a key, and the one place that names their detectors.

A new kind is a module with its detector, an entry here and a runbook `alerting/runbooks/RULE.md`: metrics, rules,
state and messages follow from the entry.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from alerting.detection.policy import Policy
from alerting.detection.surge import SurgeDetector
from alerting.detector import Detector

SURGE: Final = "surge"
RATE_KIND: Final = SURGE  # whose baseline and p-values stand in `rates` and in the gauges of windows


@dataclass(frozen=True)
class Kind:
    """How alerts of a kind are detected and worded."""

    rule: str  # the name of its Prometheus rules, and of its runbook
    title: str  # with {stream} and {subject}, the name of the topic or entity
    description: str  # a template of Prometheus; `alerting.monitoring.alert_rules` gives it $key
    detector: Callable[[Policy], Detector[Any]]


_COUNTS = """\
{{- with query (printf `bottomk(1, max by (window) (bearwatch_window_p_value{%s}))` $key) -}}
{{- $window := (first .).Labels.window -}}
{{- $in := printf `{%s, window=%q}` $key $window -}}
{{ printf `max(bearwatch_window_negative_stories%s)` $in | query | first | value }} of \
{{ printf `max(bearwatch_window_stories%s)` $in | query | first | value }} stories \
of the last {{ $window }} are negative: \
{{ printf `100 * max(bearwatch_window_negative_ratio%s)` $in | query | first | value | printf "%.0f" }}%, \
usual are {{ printf `100 * max(bearwatch_baseline_ratio{%s})` $key | query | first | value | printf "%.0f" }}%.
{{- else -}}
The ratio of negative stories is far above the usual one.
{{- end -}}
"""

KINDS: dict[str, Kind] = {
    SURGE: Kind(
        rule="Surge",
        title="surge of bad {stream} about {subject}",
        description=_COUNTS,
        detector=lambda policy: SurgeDetector(SURGE, policy),
    ),
}


def detectors(policy: Policy) -> tuple[Detector[Any], ...]:
    """One detector per kind, in the order of KINDS."""
    return tuple(kind.detector(policy) for kind in KINDS.values())
