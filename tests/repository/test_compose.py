"""docker-compose.yml keeps its schema, and everything that it names exists. `make compose-trial` runs it."""

import importlib.util
import json
import re
from dataclasses import fields
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from jsonschema import Draft7Validator

from bearwatch.cli import bearwatch
from bearwatch.local.stack_configuration import Ports
from bearwatch.settings import SETTINGS

ROOT = Path(__file__).parents[2]
FILES = ("docker-compose.yml", "docker-compose.gpu.yml")
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / FILES[0]).read_text())
GPU: dict[str, Any] = yaml.safe_load((ROOT / FILES[1]).read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OWN = {name: service for name, service in SERVICES.items() if service["image"].startswith("bearwatch:")}


@pytest.mark.parametrize("file", FILES)
def test_the_schema_of_compose_files_is_kept(file: str):
    # The schema lies in a package whose own command needs a newer click than Faust allows.
    spec = importlib.util.find_spec("check_jsonschema")
    assert spec is not None and spec.submodule_search_locations is not None
    schema = Path(spec.submodule_search_locations[0]) / "builtin_schemas" / "vendor" / "compose-spec.json"
    Draft7Validator(json.loads(schema.read_text())).validate(yaml.safe_load((ROOT / file).read_text()))


@pytest.mark.parametrize("name", [*OWN, "gpu worker"])
def test_every_command_is_accepted(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    service = GPU["services"]["worker"] if name == "gpu worker" else OWN[name]
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("BEARWATCH_BROKER", OWN["worker"]["environment"]["BEARWATCH_BROKER"])
    (tmp_path / "file").touch()
    arguments = [
        "file" if each.endswith(("webhook-token", ".jsonl")) and "notifications" not in each else each
        for each in service["command"]
    ]
    command: click.Command | None = bearwatch.get_command(click.Context(bearwatch), arguments.pop(0))
    assert command is not None
    if isinstance(command, click.Group):
        command = command.commands[arguments.pop(0)]
    with command.make_context(name, arguments):
        pass


def test_every_environment_variable_is_a_setting():
    for service in OWN.values():
        for variable in service["environment"]:
            assert variable.removeprefix("BEARWATCH_").lower() in SETTINGS


def test_every_file_mounted_exists_and_every_volume_and_secret_is_declared():
    for name, service in SERVICES.items():
        for mount in service.get("volumes", ()):
            source = mount.split(":")[0]
            if source.startswith("./"):
                assert (ROOT / source).exists(), (name, source)
            elif not source.startswith("$"):
                assert source in COMPOSE["volumes"], (name, source)
        for secret in service.get("secrets", ()):
            assert (secret if isinstance(secret, str) else secret["source"]) in COMPOSE["secrets"]


def test_every_service_waited_for_exists_and_says_when_it_is_ready():
    for name, service in SERVICES.items():
        for other, wish in service.get("depends_on", {}).items():
            assert other in SERVICES, (name, other)
            if wish["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other], (name, other)


def test_ports_are_published_on_loopback_only_and_workers_can_be_many():
    for name, service in SERVICES.items():
        assert all(port.startswith("127.0.0.1:") for port in service.get("ports", ())), name
    assert "ports" not in SERVICES["worker"] and "container_name" not in SERVICES["worker"]


def test_addresses_in_the_configuration_are_services_and_their_ports():
    """Prometheus, Alertmanager and Grafana find each other by the names and ports of this file."""
    known = {each.name: each.default for each in fields(Ports)}
    for file in (
        "prometheus/prometheus.yml",
        "alertmanager/alertmanager.yml",
        "grafana/provisioning/datasources.yml",
    ):
        text = re.sub(r"#.*", "", (ROOT / "alerting" / file).read_text())
        for host, port in re.findall(r"\b([a-z]+):(\d{4,5})\b", text):
            if host not in ("localhost", "http"):
                assert host in SERVICES and known[host] == int(port), (file, host, port)
    assert f":{known['webhook']}" in " ".join(SERVICES["webhook"]["command"])
    assert f":{known['evidence']}" in " ".join(SERVICES["evidence"]["command"])


def test_workers_are_found_and_asked_where_they_answer():
    """Prometheus finds them by name, which `make stack` replaces, and probes ask for them on the same port."""
    port = str(Ports().worker)
    jobs = yaml.safe_load((ROOT / "alerting" / "prometheus" / "prometheus.yml").read_text())["scrape_configs"]
    (discovery,) = (each for job in jobs for each in job.get("dns_sd_configs", ()))
    assert (discovery["names"], str(discovery["port"])) == (["worker"], port)
    assert SERVICES["worker"]["expose"] == [port]
    for name, own in (("worker", port), ("evidence", Ports().evidence), ("webhook", Ports().webhook)):
        assert SERVICES[name]["healthcheck"]["test"][-1] == f"http://127.0.0.1:{own}/healthz", name


def test_every_process_is_confined_and_its_log_has_a_limit():
    writing = {"kafka", "grafana"}  # into folders of their images
    for name, service in SERVICES.items():
        assert service["cap_drop"] == ["ALL"] and service["security_opt"] == ["no-new-privileges:true"], name
        assert service.get("read_only", False) == (name not in writing), name
        assert "mem_limit" in service or name == "topics", name
        assert service["logging"]["options"].keys() == {"max-size", "max-file"}, name


def test_the_image_copies_what_exists_and_brings_no_torch():
    text = (ROOT / "Dockerfile").read_text()
    for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE):
        *sources, _ = line.split()
        for source in sources:
            assert (ROOT / source).exists(), source
    assert "USER bearwatch" in text
    assert not re.search(r"^torch==", (ROOT / "requirements.txt").read_text(), re.MULTILINE)


def test_the_dockerfile_knows_the_arguments_and_finds_its_files():
    dockerfile = (ROOT / "Dockerfile").read_text()
    (known,) = re.findall(r"^ARG (\w+)=", dockerfile, re.MULTILINE)
    assert set(GPU["services"]["worker"]["build"]["args"]) == {known}
    sent = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = [
        line.split()[1:-1]
        for line in dockerfile.splitlines()
        if line.startswith("COPY ") and "--from" not in line
    ]
    for name in (name for names in copied for name in names):
        assert (ROOT / name).exists()
        assert any(Path(name).match(pattern) for pattern in sent), f"{name} is not sent to the builder"


def test_the_cuda_lock_is_the_other_one_with_cuda():
    def pinned(name: str) -> set[str]:
        return set(re.findall(r"^[\w.-]+==\S+", (ROOT / name).read_text(), re.MULTILINE))

    more = pinned("requirements-cuda.txt") - pinned("requirements.txt")
    assert more and all(each.startswith("nvidia-") for each in more)
    assert pinned("requirements.txt") <= pinned("requirements-cuda.txt")
