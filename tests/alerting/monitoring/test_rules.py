"""The Prometheus rules: as generated, accepted by promtool, and each alert does what its cases say."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from external_tools import external_tool
from prometheus_client import CollectorRegistry
from rule_cases import ALL, CASES, FIRES, SURGE, Case, active, end_to_end, lag, rejected, up

from alerting.detection.policy import load_policy
from alerting.errors import AlertingError
from alerting.kinds import KINDS
from alerting.monitoring import metrics
from alerting.monitoring.rule_timing import timing
from alerting.monitoring.rules import Links, rule_files
from alerting.monitoring.state_collector import GAUGES
from bearwatch.cli import bearwatch
from stream.settings import WorkerSettings

FOLDER = Path(__file__).parents[3] / "alerting" / "prometheus"
FILES = ("recording.yml", "alerts.yml")
RULES = [
    rule
    for name in FILES
    for group in yaml.safe_load((FOLDER / name).read_text())["groups"]
    for rule in group["rules"]
]
ALERTS = [rule for rule in RULES if "alert" in rule]
SESSION = WorkerSettings.session_timeout_seconds


@pytest.fixture(scope="session")
def promtool() -> Path:
    return external_tool("promtool")


def check(promtool: Path, *arguments: object) -> None:
    done = subprocess.run([promtool, *map(str, arguments)], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def run(promtool: Path, folder: Path, *tests: dict[str, Any], step: int) -> None:
    content = {
        "rule_files": [str(FOLDER / name) for name in FILES],
        "evaluation_interval": f"{step}s",
        "group_eval_order": ["bearwatch-recording", "bearwatch-keys", "bearwatch-operations"],
        "tests": tests,
    }
    (folder / f"{step}.test.yml").write_text(yaml.safe_dump(content, sort_keys=False))
    check(promtool, "test", "rules", folder / f"{step}.test.yml")


def series(values: Any) -> list[dict[str, str]]:
    return [{"series": name, "values": numbers} for name, numbers in values.items()]


def unit_test(alert: str, case: Case) -> dict[str, Any]:
    chosen = f'{{alertname="{alert}", severity=~"{case.severity}"'
    firing = f'count(ALERTS{chosen}, alertstate="firing"}}) or vector(0)'
    expected = [(firing, second, number) for second, number in case.firing.items()]
    if case.since is not None:
        expected.append((f"max(ALERTS_FOR_STATE{chosen}}})", max(case.firing), case.since))
    return {
        "name": f"{alert}: {case.name}",
        "interval": f"{case.step}s",
        "input_series": series(case.series),
        "promql_expr_test": [
            {"expr": expr, "eval_time": f"{second}s", "exp_samples": [{"labels": "{}", "value": value}]}
            for expr, second, value in expected
        ],
    }


@pytest.mark.parametrize("alert", CASES)
def test_alert(alert: str, promtool: Path, tmp_path: Path):
    for step in {case.step for case in CASES[alert]}:
        run(
            promtool,
            tmp_path,
            *(unit_test(alert, case) for case in CASES[alert] if case.step == step),
            step=step,
        )


def test_a_wrong_expectation_is_noticed(promtool: Path, tmp_path: Path):
    """Of the harness itself."""
    wrong = Case(FIRES, SURGE[0].series, {60: 7}, step=5)
    with pytest.raises(AssertionError, match="got:"):
        run(promtool, tmp_path, unit_test("Surge", wrong), step=5)


def test_every_alert_has_every_case():
    assert list(dict.fromkeys(rule["alert"] for rule in ALERTS)) == list(CASES)
    for alert, cases in CASES.items():
        missing = {name for name in ALL if not any(case.name.startswith(name) for case in cases)}
        assert not missing or alert == "Watchdog", f"{alert}: {missing}"


def windows(window: str, stories: int, negative: int, p_value: float) -> dict[str, str]:
    labels = f'{{stream="news", topic="Energy | Oil", window="{window}"}}'
    values = {"stories": stories, "negative_stories": negative, "negative_ratio": negative / stories}
    return {f"bearwatch_window_{name}{labels}": f"{value}x20" for name, value in values.items()} | {
        f"bearwatch_window_p_value{labels}": f"{p_value}x20"
    }


KEY = "stream=news&topic=Energy+%7C+Oil"
TOPIC = {
    "stream": "news",
    "topic": "Energy | Oil",
    "kind": "surge",
}
FIGURES = (
    windows("15m", 15, 13, 9e-9)
    | windows("1h", 40, 14, 1e-4)
    | {'bearwatch_baseline_ratio{stream="news", topic="Energy | Oil"}': "0.107x20"}
)
SURGE_SERIES = {active("critical"): "1x20"} | FIGURES
TEXTS = [
    (
        "Surge",
        SURGE_SERIES,
        60,
        [
            ("critical", TOPIC, "Critical surge of bad news about Energy | Oil"),
            ("warning", TOPIC, "Critical surge of bad news about Energy | Oil"),
        ],
        "13 of 15 stories of the last 15m are negative: 87%, usual are 11%.",
    ),
    (
        "Surge",
        {active("warning"): "1x20", active("critical"): "0x20"} | FIGURES,
        60,
        [("warning", TOPIC, "Warning surge of bad news about Energy | Oil")],
        "13 of 15 stories of the last 15m are negative: 87%, usual are 11%.",
    ),
    (
        "WorkerDown",
        {up("a:9108"): "0x20"},
        60,
        [("warning", {"job": "bearwatch", "instance": "a:9108"}, "Worker a:9108 is down")],
        "Prometheus has not reached the worker for a minute. The others have taken over its partitions, if others "
        "run.",
    ),
    (
        "LagGrowing",
        {lag(): "0+50x60"},
        615,
        [("warning", {"kafka_topic": "bearwatch.news"}, "Lag on bearwatch.news grows: 2050 records")],
        "For ten minutes more records have arrived than the workers have read.",
    ),
    (
        "DeadLettersRising",
        rejected("0+1x100", "0+3x100"),
        900,
        [("warning", {"stream": "news"}, "news: 25% of the documents are rejected")],
        "The most frequent reason is not JSON. The originals are in the dead-letters topic.",
    ),
    (
        "ModelDiffers",
        {
            f'bearwatch_worker_info{{model="{model}", instance="{name}"}}': "1x80"
            for name, model in (("a", "1111"), ("b", "2222"), ("c", "1111"))
        },
        900,
        [("warning", {}, "Workers run with 2 different models")],
        "The alerts of different workers are not comparable: 2 with 1111; 1 with 2222; all must run with one.",
    ),
    (
        "EndToEndSlow",
        end_to_end("0+2x300", "0+4x300"),
        3600,
        [
            (severity, {"stream": "news"}, "news: documents are evaluated too late")
            for severity in ("critical", "warning")
        ],
        "50% of the documents took longer than 60 s from publication to evaluation; the objective allows 1%.",
    ),
]


@pytest.mark.parametrize(
    ("alert", "given", "second", "alerts", "description"), TEXTS, ids=lambda x: str(x)[:12]
)
def test_words(alert, given, second, alerts, description, promtool: Path, tmp_path: Path):
    """Numbers are filled in and addresses escaped."""
    team, dashboard, more = "operations", "bearwatch-operations", {}
    if alert == "Surge":
        team, dashboard = "risk", "bearwatch-topic?var-stream=news&var-topic=Energy+%7C+Oil"
        more = {"evidence_url": f"http://127.0.0.1:9110/alerts/by-key?{KEY}&kind=surge&at={second}"}
    expected = [
        {
            "exp_labels": {**labels, "severity": severity, "team": team},
            "exp_annotations": {
                "summary": summary,
                "description": description,
                "runbook_url": f"http://127.0.0.1:9110/runbooks/{alert}",
                "dashboard_url": f"http://127.0.0.1:3000/d/{dashboard}",
                **more,
            },
        }
        for severity, labels, summary in alerts
    ]
    test = {
        "interval": "15s",
        "input_series": series(given),
        "alert_rule_test": [{"alertname": alert, "eval_time": f"{second}s", "exp_alerts": expected}],
    }
    run(promtool, tmp_path, test, step=15)


@pytest.mark.parametrize(
    ("dimension", "name", "escaped"), [("entity", "ACME", "ACME"), ("source", "Wire & Co", "Wire+%26+Co")]
)
def test_words_of_an_alert_that_is_not_about_a_topic(
    dimension, name, escaped, promtool: Path, tmp_path: Path
):
    key = f'stream="comments", {dimension}="{name}"'
    counts = {"stories": 20, "negative_stories": 15, "negative_ratio": 0.75, "p_value": 1e-6}
    given = {
        f'bearwatch_window_{metric}{{{key}, window="1h"}}': f"{value}x20" for metric, value in counts.items()
    }
    given[f"bearwatch_baseline_ratio{{{key}}}"] = "0.25x20"
    given[f'bearwatch_alert_active{{{key}, kind="surge", severity="warning"}}'] = "1x20"
    address = f"http://127.0.0.1:9110/alerts/by-key?stream=comments&{dimension}={escaped}&kind=surge&at=60"
    expected = {
        "exp_labels": {
            "stream": "comments", dimension: name, "kind": "surge", "severity": "warning", "team": "risk"
        },
        "exp_annotations": {
            "summary": f"Warning surge of bad comments about {name}",
            "description": "15 of 20 stories of the last 1h are negative: 75%, usual are 25%.",
            "runbook_url": "http://127.0.0.1:9110/runbooks/Surge",
            "dashboard_url": "http://127.0.0.1:3000/d/bearwatch-topic?var-stream=comments",
            "evidence_url": address,
        },
    }  # fmt: skip
    test = {
        "interval": "15s",
        "input_series": series(given),
        "alert_rule_test": [{"alertname": "Surge", "eval_time": "60s", "exp_alerts": [expected]}],
    }
    run(promtool, tmp_path, test, step=15)


def test_the_committed_files_are_what_the_command_writes(tmp_path: Path):
    done = CliRunner().invoke(bearwatch, ["rules", "--out", str(tmp_path)])
    assert done.exit_code == 0, done.output
    assert {path.name for path in tmp_path.iterdir()} == set(FILES)
    for name in FILES:
        assert (tmp_path / name).read_text() == (FOLDER / name).read_text(), f"run bearwatch rules: {name}"


def test_promtool_accepts_the_rules_and_the_configuration(promtool: Path):
    check(promtool, "check", "rules", *(FOLDER / name for name in FILES))
    check(promtool, "check", "config", FOLDER / "prometheus.yml")


def test_other_settings_reach_the_rules(tmp_path: Path):
    policy = tmp_path / "policy.toml"
    policy.write_text(
        "policy_version = 2\n[windows]\nevaluate_every_seconds = 30\n"
        "[time]\nhistorical_after_seconds = 600\nmax_out_of_orderness_seconds = 30\n"
    )
    links = Links("https://grafana/d", "https://books", "https://alerts")
    text = rule_files(load_policy(policy), 80, links)["alerts.yml"]
    assert "interval: 10s" in text
    assert "keep_firing_for: 210s" in text  # 80 + 45 + 30 + 2 * 15 = 185, in half minutes
    assert "> 200\n" in text
    assert "longer than 300 s" in text  # 2 * (30 + 30 + 5) = 130
    assert "https://grafana/d/bearwatch-topic?" in text
    assert "https://books/Surge\n" in text
    assert "https://alerts/by-key?" in text


def test_a_policy_too_slow_to_be_measured_is_rejected(tmp_path: Path):
    policy = tmp_path / "policy.toml"
    policy.write_text("policy_version = 2\n[time]\nmax_out_of_orderness_seconds = 3600\n")
    done = CliRunner().invoke(bearwatch, ["rules", "--policy", str(policy), "--out", str(tmp_path)])
    assert "bearwatch_end_to_end_seconds has no bound" in str(done.exception)


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path):
    (tmp_path / "file").touch()
    done = CliRunner().invoke(bearwatch, ["rules", "--out", str(tmp_path / "file" / "rules")])
    assert isinstance(done.exception, AlertingError) and str(tmp_path / "file") in str(done.exception)


def test_every_kind_of_alert_has_its_rules():
    surges = [
        (rule["alert"], rule["labels"]["severity"]) for rule in ALERTS if rule["labels"]["team"] == "risk"
    ]
    assert surges == [(kind.rule, s) for kind in KINDS.values() for s in ("critical", "warning")]


def test_every_metric_exists():
    registry = CollectorRegistry()
    metrics.Metrics(registry, topics=["t"], sentiments=["s"], dead_letter_reasons=["r"]).runs_with(
        "e", "m", "p"
    )
    known = {sample.name for metric in registry.collect() for sample in metric.samples} | set(GAUGES)
    used = set(re.findall(r"(?<!:)\bbearwatch_\w+", " ".join(f"{rule}" for rule in RULES)))
    recorded = {rule["record"] for rule in RULES if "record" in rule}
    assert used - known - {name.split(":")[1] for name in recorded} == set()
    named = set(re.findall(r"\w+:bearwatch_\w+:\w+", " ".join(rule["expr"] for rule in ALERTS)))
    assert named == recorded


def test_recording_rules_are_named_by_level_metric_and_operations():
    for rule in RULES:
        if "record" in rule:
            level, metric, operations = rule["record"].split(":")
            assert f"by ({level}" in rule["expr"]
            assert metric.removesuffix("_total") in rule["expr"]
            assert operations


def test_the_objective_is_a_bound_of_the_histogram():
    assert timing(load_policy(), SESSION).objective_seconds in metrics.END_TO_END_SECONDS


def test_an_alert_on_a_key_outlasts_a_change_of_its_worker():
    assert timing(load_policy(), SESSION).handover_seconds >= SESSION + 45 + 15 + 2 * 15
