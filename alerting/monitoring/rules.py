"""Prometheus rule files, generated from the policy so that the two always agree:

bearwatch rules --policy policy.toml --out prometheus
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from alerting.detection.policy import Policy
from alerting.monitoring.alert_rules import AlertRule, key_rules
from alerting.monitoring.labels import window_label
from alerting.monitoring.operations_rules import operations_rules
from alerting.monitoring.recording_rules import Recording, recordings
from alerting.monitoring.rule_timing import OPERATIONS_INTERVAL_SECONDS, timing

HEADER = "# Written by `bearwatch rules`; a change made here is lost the next time it runs.\n"


@dataclass(frozen=True)
class Links:
    """The beginnings of the addresses in annotations."""

    dashboards: str = "http://127.0.0.1:3000/d"
    runbooks: str = "http://127.0.0.1:9110/runbooks"  # of `bearwatch alerts serve` too
    evidence: str = "http://127.0.0.1:9110/alerts"  # of `bearwatch alerts serve`


def rule_files(policy: Policy, session_timeout_seconds: float, links: Links) -> dict[str, str]:
    """The content of each rule file by its name.

    Raises:
        PolicyError: no bound of the latency histogram is long enough for the policy.
    """
    times = timing(policy, session_timeout_seconds)
    return {
        "recording.yml": _file(
            _group("bearwatch-recording", OPERATIONS_INTERVAL_SECONDS, _recordings(recordings(times)))
        ),
        "alerts.yml": _file(
            _group("bearwatch-keys", times.surge_interval_seconds, _alerts(key_rules(times), links)),
            _group(
                "bearwatch-operations", OPERATIONS_INTERVAL_SECONDS, _alerts(operations_rules(times), links)
            ),
        ),
    }


def _recordings(rules: Sequence[Recording]) -> list[dict[str, Any]]:
    return [{"record": rule.name, "expr": rule.expr} for rule in rules]


def _alerts(rules: Sequence[AlertRule], links: Links) -> list[dict[str, Any]]:
    return [_alert(rule, links) for rule in rules]


def _alert(rule: AlertRule, links: Links) -> dict[str, Any]:
    durations = {"for": rule.for_seconds, "keep_firing_for": rule.keep_firing_seconds}
    return {
        "alert": rule.name,
        "expr": rule.expr,
        **{name: window_label(seconds) for name, seconds in durations.items() if seconds},
        "labels": {"severity": rule.severity, "team": rule.team},
        "annotations": {
            "summary": rule.summary,
            "description": rule.description.strip(),
            "runbook_url": f"{links.runbooks}/{rule.name}",
            "dashboard_url": f"{links.dashboards}/{rule.dashboard}",
            **({"evidence_url": f"{links.evidence}/{rule.evidence}"} if rule.evidence else {}),
        },
    }


def _group(name: str, interval_seconds: int, rules: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": name, "interval": window_label(interval_seconds), "rules": rules}


def _file(*groups: Mapping[str, Any]) -> str:
    text = yaml.dump(
        {"groups": list(groups)}, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=10_000
    )
    return HEADER + text


class _Dumper(yaml.SafeDumper):
    """Writes a text of several lines as a block of several lines."""


def _represent(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


_Dumper.add_representer(str, _represent)
