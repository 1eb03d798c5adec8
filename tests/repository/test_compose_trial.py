"""The trial of the compose file: what it takes for a fault, and what it says where there is no engine."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
import yaml
from waiting import PATIENCE_SECONDS, wait_until

from tools.compose_trial.checks import counted_wrongly, notified_wrongly
from tools.compose_trial.commands import TrialError, call
from tools.compose_trial.images import PROGRAMS
from tools.compose_trial.project import FILE, MISSING, copy_project
from tools.compose_trial.stack import Container, not_ready

ROOT = Path(__file__).parents[2]
READ = {"sent": 120, "missing": 0, "rates": 3, "wrong_rates": [], "newest": 1000.0}


def alert(topic: str, state: str = "firing", historical: bool = False) -> dict[str, Any]:
    return {"id": topic, "stream": "news", "topic": topic, "state": state, "historical": historical}


def notification(topic: str, status: str = "firing", rule: str = "Surge") -> dict[str, Any]:
    about = {"stream": "news", "topic": topic} if topic else {}
    return {"status": status, "labels": {"alertname": rule, **about}}


@pytest.mark.parametrize(
    ("alerts", "notifications", "fault"),
    [
        ([alert("Oil")], [notification("Oil")], ""),
        ([alert("Oil"), alert("Oil", "updated")], [notification("Oil"), notification("Oil", "resolved")], ""),
        ([alert("Oil", historical=True)], [], ""),
        ([alert("Oil")], [], "no notification of Surge news Oil"),
        ([alert("Oil")], [notification("Oil")] * 2, "a notification of Surge news Oil that should not be"),
        ([alert("Oil"), alert("Oil", "updated"), alert("Oil", "resolved")], [notification("Oil")], ""),
        ([alert("Oil", historical=True), alert("Oil", "updated")], [notification("Oil")], ""),
        ([], [notification("", rule="EndToEndSlow")], ""),
        ([], [notification("", rule="LagGrowing")], "a notification of LagGrowing that should not be"),
    ],
)
def test_each_live_alert_is_notified_once_and_nothing_else(
    alerts: list[dict[str, Any]], notifications: list[dict[str, Any]], fault: str
):
    assert notified_wrongly(alerts, notifications) == fault


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({}, ""),
        ({"sent": 100}, "nothing more has been sent"),
        ({"missing": 2}, "2 of 120 documents are not classified"),
        ({"newest": 900.0}, "no window ends later than"),
        ({"wrong_rates": ["news/topic:Oil"]}, "1 counts are wrong: news/topic:Oil"),
    ],
)
def test_counts_continue_and_are_those_of_the_documents(change: dict[str, Any], fault: str):
    assert counted_wrongly(READ | change, sent_before=100, since=950.0)[: len(fault) or None] == fault


@pytest.mark.parametrize(
    ("service", "state", "fault"),
    [
        ("worker", {"health": "healthy"}, ""),
        ("worker", {"health": "starting"}, "it starting"),
        ("worker", {"health": "unhealthy", "running": False, "exit_code": 137}, "it has exit code 137"),
        ("feed", {}, ""),
        ("feed", {"running": False}, "it has exit code 0"),
        ("topics", {}, "it runs"),
        ("topics", {"running": False}, ""),
        ("topics", {"running": False, "exit_code": 1}, "it has exit code 1"),
    ],
)
def test_services_run_and_are_healthy_and_topics_has_ended(service: str, state: dict[str, Any], fault: str):
    ready = Container("it", service, True, None, 0, pid=1, address="", restarts=0, out_of_memory=False)
    assert not_ready([replace(ready, **state)]) == fault


def test_every_image_of_others_has_a_stand_in_or_is_left_out():
    services = yaml.safe_load((ROOT / FILE).read_text())["services"]
    foreign = {name for name, each in services.items() if not each["image"].startswith("bearwatch:")}
    assert foreign == {"kafka", *PROGRAMS, MISSING}


def test_a_command_that_takes_too_long_leaves_no_child(tmp_path: Path):
    with pytest.raises(TrialError, match="took longer than 5 s"):
        call("sh", "-c", "sleep 600 & echo $! > child; wait", folder=tmp_path, seconds=5)
    child = int((tmp_path / "child").read_text())
    wait_until("the child has ended", lambda: not psutil.pid_exists(child))
    with pytest.raises(TrialError, match="ended with exit code 7: why"):
        call("sh", "-c", "echo why; exit 7", seconds=PATIENCE_SECONDS)


def test_the_copy_holds_what_the_image_is_made_of_and_the_token(tmp_path: Path):
    copy_project(ROOT, tmp_path / "project")
    assert (tmp_path / "project" / "Dockerfile").read_bytes() == (ROOT / "Dockerfile").read_bytes()
    assert (tmp_path / "project" / "webhook-token").read_text()


def test_where_no_engine_is_to_be_had_it_says_so_in_one_line(tmp_path: Path):
    command = [sys.executable, "-m", "tools.compose_trial", "--logs", str(tmp_path)]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=PATIENCE_SECONDS,
    )
    assert (done.returncode, done.stdout.count("\n"), done.stderr) == (3, 1, "")
    assert "no container engine here" in done.stdout
