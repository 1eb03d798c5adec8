"""Every setting of a worker reaches it, whoever starts it: `up`, `stack` or a supervisor of one's own."""

from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from alerting.detection.policy import load_policy
from alerting.monitoring.rules import Links, rule_files
from bearwatch.commands import stack as stack_command
from bearwatch.commands import up, worker
from bearwatch.local.ports import free_port
from bearwatch.local.stack import stack
from bearwatch.local.stack_configuration import Ports
from bearwatch.local.up import LOCAL_KAFKA
from bearwatch.local.worker import worker_flags
from bearwatch.settings import CONNECTION, connection_of
from stream.kafka.connection import KafkaConnection
from stream.settings import WorkerSettings

NAMES = {each.name for each in fields(WorkerSettings)} - {"connection"}


def other(value: Any, folder: Path) -> Any:
    """A valid value that is not the default."""
    if value is None:
        (watch_list := folder / "list.csv").touch()
        return watch_list
    if isinstance(value, Path):
        return folder
    if isinstance(value, float):
        return value + 7
    return value + 7 if isinstance(value, int) else {"auto": "openvino-fp32"}.get(value, value + "other")


def test_a_worker_started_with_the_flags_has_the_same_settings(tmp_path: Path):
    default = WorkerSettings(KafkaConnection("kafka:9092"))
    chosen = replace(default, **{name: other(getattr(default, name), tmp_path) for name in NAMES})
    assert all(getattr(chosen, name) != getattr(default, name) for name in NAMES)
    policy = tmp_path / "policy.toml"
    policy.touch()
    with worker.command.make_context("worker", worker_flags(chosen, policy)) as context:
        assert context.params.pop("policy") == policy
        parts = {name: context.params.pop(name) for name in CONNECTION}
        assert WorkerSettings(connection_of(parts), **context.params) == chosen


def test_every_part_of_a_connection_is_a_setting():
    assert (
        "broker",
        *(each.name for each in fields(KafkaConnection) if each.name != "addresses"),
    ) == CONNECTION


@pytest.mark.parametrize("command", [up.command, stack_command.command], ids=["up", "stack"])
def test_what_starts_workers_accepts_every_setting_of_a_worker(command: click.Command):
    """Not how Kafka is reached: it is the local one."""
    settings = {each.name: each.envvar for each in command.params if isinstance(each, click.Option)}
    for name in NAMES | {"policy"}:
        assert settings[name] == f"BEARWATCH_{name.upper()}", name


def test_a_stack_has_one_set_of_settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Its rules are for the session timeout that its workers have, and every part uses the workers' topics."""
    for name in ("prometheus", "alertmanager"):
        (tmp_path / name).write_text("#!/bin/sh\nexec sleep 100\n")
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    settings = WorkerSettings(LOCAL_KAFKA, prefix="mine.", group="ours", session_timeout_seconds=97)
    ports = Ports(**{each.name: free_port() for each in fields(Ports)})
    with stack(tmp_path / "data", settings, ports, workers=2) as running:
        commands = {name: " ".join(each.command) for name, each in running.processes.items()}
        workers = [" ".join(each.command) for each in running.workers]
    for command in (commands["evidence"], commands["feed"], *workers):
        assert "--prefix mine." in command and f"--broker {running.connection}" in command
    for command in workers:
        assert "--session-timeout-seconds 97" in command and "--group ours" in command
    alerts = yaml.safe_load((tmp_path / "data" / "prometheus" / "alerts.yml").read_text())
    for_97, for_default = (
        yaml.safe_load(rule_files(load_policy(None), seconds, Links())["alerts.yml"]) for seconds in (97, 20)
    )
    durations = [
        [rule.get("keep_firing_for") for group in each["groups"] for rule in group["rules"]]
        for each in (alerts, for_97, for_default)
    ]
    assert durations[0] == durations[1] != durations[2]
