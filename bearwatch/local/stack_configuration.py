"""The shipped configuration of Prometheus and Alertmanager with this machine's addresses, for `bearwatch stack`."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from importlib.resources import files
from pathlib import Path

import yaml

from bearwatch.local.ports import HOST


@dataclass(frozen=True)
class Ports:
    """Those of docker-compose.yml; a test takes free ones."""

    prometheus: int = 9090
    alertmanager: int = 9093
    webhook: int = 9209
    evidence: int = 9110
    worker: int = 9108  # of the first worker; the others take free ones

    def addresses(self) -> dict[str, str]:
        """Host and port in the configuration files -> address on this machine."""
        return {
            f"{each.name}:{each.default}": f"{HOST}:{getattr(self, each.name)}" for each in fields(self)
        } | {f"localhost:{Ports.prometheus}": f"{HOST}:{self.prometheus}"}


def write_configuration(folder: Path, rules: Mapping[str, str], targets: Sequence[str], ports: Ports) -> Path:
    """Write `prometheus/` and `alertmanager/` below a folder; returns the file of the webhook receiver's token.

    Args:
        rules: file name -> content of Prometheus's rule files.
        targets: HOST:PORT of every worker.
    """
    prometheus, alertmanager = folder / "prometheus", folder / "alertmanager"
    (prometheus / "targets").mkdir(parents=True, exist_ok=True)
    alertmanager.mkdir(exist_ok=True)
    content = yaml.safe_load(_shipped("prometheus/prometheus.yml", ports))
    for job in content["scrape_configs"]:
        job.pop("dns_sd_configs", None)  # the name `worker` is the compose file's
    (prometheus / "prometheus.yml").write_text(yaml.safe_dump(content))
    (prometheus / "targets" / "workers.yml").write_text(yaml.safe_dump([{"targets": list(targets)}]))
    for name, text in rules.items():
        (prometheus / name).write_text(text)
    (alertmanager / "alertmanager.yml").write_text(_shipped("alertmanager/alertmanager.yml", ports))
    token = alertmanager / "webhook-token"
    if not token.exists():
        token.touch(mode=0o600)
        token.write_text(secrets.token_urlsafe(24))
    return token


def _shipped(file: str, ports: Ports) -> str:
    """A file of the package `alerting` with this machine's addresses."""
    text = files("alerting").joinpath(file).read_text(encoding="utf-8")
    for host, address in ports.addresses().items():
        text = text.replace(host, address)
    return text
