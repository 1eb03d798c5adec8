"""Runbooks: one page per alert, short, and naming only what exists."""

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client import CollectorRegistry

from alerting.detection.policy import DEFAULT
from alerting.evidence.runbooks import RUNBOOKS
from alerting.monitoring.metrics import Metrics
from alerting.monitoring.rules import Links
from alerting.monitoring.state_collector import GAUGES
from bearwatch.cli import COMMANDS

ROOT = Path(__file__).parents[2]
PAGES = {name: page.read_text() for name, page in RUNBOOKS.items()}
RULES = [
    rule
    for name in ("recording.yml", "alerts.yml")
    for group in yaml.safe_load((ROOT / "alerting" / "prometheus" / name).read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}


def test_there_is_a_page_for_every_alert_and_no_other():
    assert set(PAGES) == set(ALERTS)


def test_every_alert_links_to_its_page():
    for rule in RULES:
        if "alert" in rule:
            folder, name = rule["annotations"]["runbook_url"].rsplit("/", 1)
            assert (folder, name) == (Links.runbooks, rule["alert"])
            assert name in RUNBOOKS, "alerts serve has it"


@pytest.mark.parametrize("alert", sorted(PAGES))
def test_a_page_says_what_it_means_how_to_see_it_what_to_do_and_when_to_escalate(alert: str):
    page = PAGES[alert]
    assert page.startswith(f"# {alert}\n")
    parts = re.findall(r"^\*\*(\w+)", page, re.MULTILINE)
    assert parts[:4] == ["Meaning", "See", "Do", "Escalate"]
    assert len(page.splitlines()) <= 40


@pytest.mark.parametrize("alert", sorted(PAGES))
def test_what_a_page_names_exists(alert: str):
    page = PAGES[alert]
    registry = CollectorRegistry()
    Metrics(registry, topics=["t"], sentiments=["s"], dead_letter_reasons=["r"]).runs_with("e", "m", "p")
    known = {sample.name for metric in registry.collect() for sample in metric.samples} | set(GAUGES)
    assert set(re.findall(r"(?<!:)\bbearwatch_\w+", page)) <= known
    assert set(re.findall(r"\w+:bearwatch_\w+:\w+", page)) <= {rule.get("record") for rule in RULES}
    assert set(re.findall(r"bearwatch (\w+) (?:\w+ )?(?:--|ID|list)", page)) <= set(COMMANDS)
    keys = set(re.findall(r"`((?:min|max|pane|historical|p)_\w+)`", page))
    assert keys <= set(re.findall(r"^(\w+) =", DEFAULT.read_text(), re.MULTILINE))
    others = set(re.findall(r"\b(?:[A-Z][a-z]+){2,}\b", page))
    assert others <= set(ALERTS), others - set(ALERTS)


def test_the_times_in_pages_are_those_of_the_rules():
    """Where a page says a figure that a rule decides."""
    assert ALERTS["Surge"]["keep_firing_for"] == "2m"
    assert "for two minutes" in PAGES["Surge"]
    assert 'le="60.0"' in " ".join(rule["expr"] for rule in RULES)
    assert "60 s" in PAGES["EndToEndSlow"]
