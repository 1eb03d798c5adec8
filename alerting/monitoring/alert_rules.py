"""What an alerting rule is, and those about keys. `alerting.monitoring.rules` writes them as Prometheus reads them.

An expression never carries `instance` where the alert is about a key or a stream: a key that changes its
worker stays the same alert. `for` is longer than a missed scrape (15 s) wherever one could look like a fault.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from alerting.kinds import KINDS
from alerting.monitoring.rule_timing import Timing
from bearwatch.core.key import DIMENSIONS

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


# The key as a template: a metric has one of the labels of DIMENSIONS, the others are empty.
_KEY = "{{{{- $key := printf `stream=%q, {formats}` $labels.stream {values} -}}}}\n".format(
    formats=", ".join(f"{name}=%q" for name in DIMENSIONS),
    values=" ".join(f"$labels.{name}" for name in DIMENSIONS),
)
_NAME = "".join(f"{{{{ $labels.{name} }}}}" for name in DIMENSIONS)
# The severity now; the label of the rule for warnings does not say it: see `_key_rule`.
_SEVERITY = """\
{{- with query (printf `max(bearwatch_alert_active{%s, kind=%q, severity="critical"}) == 1` $key $labels.kind) -}}
Critical{{ else }}Warning{{ end }} """


def key_rules(timing: Timing) -> list[AlertRule]:
    """One rule per kind and severity."""
    return [_key_rule(kind, severity, timing) for kind in KINDS for severity in ("critical", "warning")]


def _key_rule(kind: str, severity: str, timing: Timing) -> AlertRule:
    """`for` is 0 s: the detector has already waited for a second evaluation.

    The rule for warnings holds for every alert from its beginning to its end, critical ones too: whoever is notified
    by it gets one notification of each alert and one of its end. The rule for critical ones is for whoever is to be
    woken.
    """
    matcher = f'kind="{kind}", severity="critical"' if severity == "critical" else f'kind="{kind}"'
    about, labels = KINDS[kind], ", ".join(("stream", *DIMENSIONS, "kind"))
    title = about.title.format(stream="{{ $labels.stream }}", subject=_NAME)
    now = '{{ query "time()" | first | value | printf "%.0f" }}'
    return AlertRule(
        name=about.rule,
        severity=severity,
        expr=f"max by ({labels}) (bearwatch_alert_active{{{matcher}}}) == 1",
        summary=f"{_KEY}{_SEVERITY}{title}",
        description=f"{_KEY}{about.description}",
        team=RISK,
        dashboard=f"bearwatch-topic?{_query(('topic',), prefix='var-')}",
        evidence=f"by-key?{_query(DIMENSIONS)}&kind={kind}&at={now}",
        keep_firing_seconds=timing.handover_seconds,
    )


def _query(dimensions: Iterable[str], prefix: str = "") -> str:
    """The key's labels as parameters of an address; those that it does not have are left out."""
    parts = (
        f"{{{{ with $labels.{name} }}}}&{prefix}{name}={{{{ . | urlquery }}}}{{{{ end }}}}"
        for name in dimensions
    )
    return f"{prefix}stream={{{{ $labels.stream | urlquery }}}}" + "".join(parts)
