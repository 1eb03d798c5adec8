"""What an alerting rule is, and those about keys. `alerting.monitoring.rules` writes them as Prometheus reads them.

An expression never carries `instance` where the alert is about a key or a stream: a key that changes its
worker stays the same alert. `for` is longer than a missed scrape (15 s) wherever one could look like a fault.
"""

from dataclasses import dataclass

from alerting.kinds import KINDS
from alerting.monitoring.rule_timing import Timing

OPERATIONS = "operations"
RISK = "risk"


@dataclass(frozen=True)
class AlertRule:
    name: str
    severity: str
    expr: str
    summary: str
    description: str
    team: str = OPERATIONS
    dashboard: str = "bearwatch-operations"  # uid and query, as in a dashboard's address
    evidence: str = ""  # path and query of the page with the leading stories
    for_seconds: int = 0
    keep_firing_seconds: int = 0


# How grave it is now; the label of the rule for warnings does not say: see `_key_rule`.
_SEVERITY = """\
{{- with query (printf `max(bearwatch_alert_active{stream=%q, topic=%q, kind=%q, severity="critical"}) == 1` \
$labels.stream $labels.topic $labels.kind) -}}
Critical{{ else }}Warning{{ end }}"""


def key_rules(timing: Timing) -> list[AlertRule]:
    """One rule per kind and severity."""
    return [_key_rule(kind, severity, timing) for kind in KINDS for severity in ("critical", "warning")]


def _key_rule(kind: str, severity: str, timing: Timing) -> AlertRule:
    """`for` is 0 s: the detector has already waited for a second evaluation.

    The rule for warnings holds for every surge from its beginning to its end, critical ones too: who is told by
    it hears of each surge once and of its end once. The rule for critical ones is for whoever is to be woken.
    """
    matcher = f'kind="{kind}", severity="critical"' if severity == "critical" else f'kind="{kind}"'
    told, labels = KINDS[kind], {name: f"{{{{ $labels.{name} | urlquery }}}}" for name in ("stream", "topic")}
    return AlertRule(
        name=told.name,
        severity=severity,
        expr=f"max by (stream, topic, kind) (bearwatch_alert_active{{{matcher}}}) == 1",
        summary=f"{_SEVERITY} {told.title}",
        description=told.description,
        team=RISK,
        dashboard="bearwatch-topic?var-stream={stream}&var-topic={topic}".format(**labels),
        evidence="by-key?stream={stream}&topic={topic}&kind={kind}&at={now}".format(
            **labels, kind=kind, now='{{ query "time()" | first | value | printf "%.0f" }}'
        ),
        keep_firing_seconds=timing.handover_seconds,
    )
