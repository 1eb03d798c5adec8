"""Alertmanager: its configuration as amtool reads it, and what a real one sends when."""

import json
import re
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml
from alert_messages import acknowledgement, alert
from external_tools import external_tool
from prometheus_client.parser import text_string_to_metric_families
from waiting import PATIENCE_SECONDS, wait_until

from alerting.detection.policy import load_policy
from alerting.notify import silences
from bearwatch.local.ports import HOST, free_port

CONFIG = Path(__file__).parents[3] / "alerting" / "alertmanager" / "alertmanager.yml"
RULES = yaml.safe_load((CONFIG.parents[1] / "prometheus" / "alerts.yml").read_text())
ALERTS = {(rule["alert"], *rule["labels"].values()) for group in RULES["groups"] for rule in group["rules"]}


@pytest.fixture(scope="module")
def amtool() -> Callable[..., str]:
    program = external_tool("amtool")

    def run(*arguments: object) -> str:
        done = subprocess.run([program, *map(str, arguments)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    return run


def test_the_configuration_is_accepted(amtool: Callable[..., str]):
    amtool("check-config", CONFIG)


def test_the_receivers_in_comments_are_accepted(amtool: Callable[..., str], tmp_path: Path):
    """But for those that say they need a newer Alertmanager than Debian's."""
    blocks = re.findall(r"^    # \w+_configs:.*\n(?:    #   .*\n)+", CONFIG.read_text(), re.MULTILINE)
    taken = [re.sub("^    # ", "    ", block, flags=re.MULTILINE) for block in blocks if "0.26" not in block]
    receivers = "".join(f"  - name: ready-{n}\n{block}" for n, block in enumerate(taken))
    (tmp_path / "all.yml").write_text(CONFIG.read_text() + receivers)
    amtool("check-config", tmp_path / "all.yml")
    services = {re.match(r" *(?:# )?(\w+)_configs", block)[1] for block in blocks}
    assert services == {"slack", "msteams", "pagerduty", "opsgenie", "email", "webhook"}
    assert len(taken) == 4


@pytest.mark.parametrize(("alert", "severity", "team"), sorted(ALERTS))
def test_routes(alert: str, severity: str, team: str, amtool: Callable[..., str]):
    """By severity and team, and the watchdog on its own; every rule arrives at a receiver."""
    labels = {"alertname": alert, "severity": severity, "team": team, "stream": "news"}
    pairs = [f"{name}={value}" for name, value in labels.items()]
    receiver = amtool("config", "routes", "test", "--config.file", CONFIG, *pairs).strip()
    expected = {"warning": team, "critical": f"{team}-critical", "none": "watchdog"}[severity]
    assert receiver == expected


def test_no_secret_stands_in_the_file():
    text = CONFIG.read_text()
    assert "credentials_file: webhook-token" in text
    assert not re.search(
        r"^\s*(#\s*)?(- )?(credentials|password|routing_key|api_key|api_url):", text, re.MULTILINE
    )


def test_a_surge_is_not_notified_again_while_it_lasts():
    risk = next(r for r in yaml.safe_load(CONFIG.read_text())["route"]["routes"] if r["receiver"] == "risk")
    hours = int(risk["repeat_interval"].removesuffix("h"))
    assert hours > load_policy().baseline.max_freeze_hours


def test_a_page_may_be_repeated_before_a_key_can_fire_again():
    """Otherwise the next surge after one that was resolved during a silence would page nobody."""
    (risk,) = (r for r in yaml.safe_load(CONFIG.read_text())["route"]["routes"] if r["receiver"] == "risk")
    (page,) = risk["routes"]
    assert int(page["repeat_interval"].removesuffix("m")) * 60 <= load_policy().surge.cool_down_seconds


class Receiver:
    """Keeps what is sent to it; answers 500 while `broken`, and counts that."""

    def __init__(self) -> None:
        notified: list[tuple[str, str, str]] = []
        tokens: set[str | None] = set()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                if receiver.broken:
                    receiver.refused += 1
                else:
                    tokens.add(self.headers["Authorization"])
                    for alert in body["alerts"]:
                        labels = alert["labels"]
                        about = labels.get("topic", labels["alertname"])
                        notified.append((alert["status"], labels["severity"], about))
                self.send_response(500 if receiver.broken else 200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.notified, self.tokens, self.broken, self.refused = notified, tokens, False, 0
        self.server = ThreadingHTTPServer((HOST, 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def wait_for(self, number: int) -> None:
        wait_until(f"{number} notifications", lambda: len(self.notified) >= number)


class Alertmanager:
    """The shipped configuration, but for the address of the receiver and minutes that become seconds."""

    def __init__(self, folder: Path, receiver: Receiver, configuration: str = CONFIG.read_text()) -> None:
        text = configuration.replace("webhook:9209", f"{HOST}:{receiver.server.server_port}")
        text = text.replace("group_interval: 1m", "group_interval: 2s").replace(
            "group_wait: 15s", "group_wait: 1s"
        )
        (folder / "alertmanager.yml").write_text(text)
        (folder / "webhook-token").write_text("secret\n")
        self.folder, self.port = folder, free_port()
        self.begun: dict[str, datetime] = {}
        self.start()

    def start(self) -> None:
        flags = {
            "config.file": self.folder / "alertmanager.yml",
            "storage.path": self.folder / "data",
            "web.listen-address": f"{HOST}:{self.port}",
            "cluster.listen-address": "",
        }
        program = external_tool("alertmanager")
        command = [program, *(f"--{name}={value}" for name, value in flags.items())]
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until("Alertmanager is ready", self._ready)

    def _ready(self) -> bool:
        assert self.process.poll() is None, (self.folder / "log").read_text()
        with suppress(OSError), urllib.request.urlopen(f"http://{HOST}:{self.port}/-/ready", timeout=60):
            return True
        return False

    def count(self, metric: str) -> float:
        """A counter of its own, over the webhooks."""
        with urllib.request.urlopen(f"http://{HOST}:{self.port}/metrics", timeout=60) as answer:
            families = text_string_to_metric_families(answer.read().decode())
        samples = (sample for family in families for sample in family.samples)
        return sum(
            each.value
            for each in samples
            if each.name == metric and each.labels.get("integration") == "webhook"
        )

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait(PATIENCE_SECONDS)

    def post(self, *alerts: dict[str, str], resolved: bool = False) -> None:
        """As Prometheus does: begun when it is first sent, until further notice, or resolved since now.

        One that began longer ago than group_wait would be notified at once, before a critical one can inhibit it.
        """
        now = datetime.now(UTC)
        body = [
            {
                "labels": labels,
                "startsAt": self.begun.setdefault(json.dumps(labels), now).isoformat(),
                "endsAt": (now + timedelta(minutes=-0.001 if resolved else 4)).isoformat(),
            }
            for labels in alerts
        ]
        request = urllib.request.Request(
            f"http://{HOST}:{self.port}/api/v2/alerts",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        urllib.request.urlopen(request, timeout=60).close()  # noqa: S310


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    receiver = Receiver()
    yield receiver
    receiver.server.shutdown()
    receiver.server.server_close()


@pytest.fixture
def alertmanager(receiver: Receiver, tmp_path: Path) -> Iterator[Alertmanager]:
    running = Alertmanager(tmp_path, receiver)
    yield running
    running.stop()


def surge(topic: str, severity: str) -> dict[str, str]:
    return {
        "alertname": "Surge", "kind": "surge", "stream": "news", "topic": topic, "severity": severity, "team": "risk"
    }  # fmt: skip


def operations(alert: str) -> dict[str, str]:
    return {"alertname": alert, "severity": "warning", "team": "operations", "stream": "news"}


def test_a_critical_surge_is_notified_once_and_resolved_once(alertmanager: Alertmanager, receiver: Receiver):
    critical, warning = surge("Oil", "critical"), surge("Oil", "warning")
    alertmanager.post(critical, warning)  # as the rules do: there is a warning for each critical alert
    receiver.wait_for(1)
    time.sleep(4)  # two more intervals of the group
    alertmanager.post(critical, warning, resolved=True)
    receiver.wait_for(2)
    time.sleep(4)
    assert receiver.notified == [("firing", "warning", "Oil"), ("resolved", "warning", "Oil")]
    assert receiver.tokens == {"Bearer secret"}


def test_a_warning_that_becomes_critical_is_not_notified_again(
    alertmanager: Alertmanager, receiver: Receiver
):
    critical, warning = surge("Gold", "critical"), surge("Gold", "warning")
    alertmanager.post(warning)
    receiver.wait_for(1)
    alertmanager.post(critical, warning)
    time.sleep(4)
    assert receiver.notified == [("firing", "warning", "Gold")]
    alertmanager.post(critical, warning, resolved=True)
    receiver.wait_for(2)
    time.sleep(3)
    assert receiver.notified[1:] == [("resolved", "warning", "Gold")]


def test_the_page_is_sent_when_a_surge_becomes_critical(tmp_path: Path, receiver: Receiver):
    """With a receiver where the shipped configuration has none yet."""
    paged = CONFIG.read_text().replace(
        "- name: risk-critical\n", "- name: risk-critical\n    webhook_configs: *webhook\n"
    )
    alertmanager = Alertmanager(tmp_path, receiver, paged)
    try:
        critical, warning = surge("Gold", "critical"), surge("Gold", "warning")
        alertmanager.post(warning)
        receiver.wait_for(1)
        alertmanager.post(critical, warning)
        receiver.wait_for(2)
        alertmanager.post(critical, warning, resolved=True)
        receiver.wait_for(4)
        time.sleep(3)
    finally:
        alertmanager.stop()
    assert receiver.notified[:2] == [("firing", "warning", "Gold"), ("firing", "critical", "Gold")]
    assert sorted(receiver.notified[2:]) == [
        ("resolved", "critical", "Gold"),
        ("resolved", "warning", "Gold"),
    ]


def test_the_next_surge_pages_after_one_that_was_resolved_during_a_silence(
    tmp_path: Path, receiver: Receiver
):
    paged = CONFIG.read_text().replace(
        "- name: risk-critical\n", "- name: risk-critical\n    webhook_configs: *webhook\n"
    )
    shorter = paged.replace("repeat_interval: 15m", "repeat_interval: 4s")
    assert shorter != paged
    alertmanager = Alertmanager(tmp_path, receiver, shorter)
    try:
        critical, now = surge("Oil", "critical"), datetime.now(UTC)
        alertmanager.post(critical)
        receiver.wait_for(1)
        desk = silences.Alertmanager(f"http://{HOST}:{alertmanager.port}")
        silence = desk.silence(alert(topic="Oil"), acknowledgement(at=now, until=now + timedelta(hours=2)))
        time.sleep(1)
        alertmanager.post(critical, resolved=True)
        time.sleep(5)
        before = len(receiver.notified)
        assert {status for status, _, _ in receiver.notified} == {"firing"}, (
            "it is resolved during the silence"
        )
        desk.expire(silence)
        alertmanager.begun.clear()
        alertmanager.post(critical)
        receiver.wait_for(before + 1)
    finally:
        alertmanager.stop()
    assert receiver.notified[before] == ("firing", "critical", "Oil")


def test_an_acknowledged_surge_that_is_resolved_does_not_hide_the_next(
    alertmanager: Alertmanager, receiver: Receiver
):
    warning, now = surge("Oil", "warning"), datetime.now(UTC)
    alertmanager.post(warning)
    receiver.wait_for(1)
    answer = acknowledgement(at=now, until=now + timedelta(hours=2))
    silences.Alertmanager(f"http://{HOST}:{alertmanager.port}").silence(alert(topic="Oil"), answer)
    time.sleep(1)
    alertmanager.post(warning, resolved=True)
    receiver.wait_for(2)
    alertmanager.begun.clear()
    alertmanager.post(warning)
    receiver.wait_for(3)
    assert [status for status, _, _ in receiver.notified] == ["firing", "resolved", "firing"]


def test_a_critical_alert_of_operations_inhibits_the_warning(alertmanager: Alertmanager, receiver: Receiver):
    slow = operations("EndToEndSlow")
    critical = {**slow, "severity": "critical"}
    alertmanager.post(critical)
    receiver.wait_for(1)
    alertmanager.post(critical, slow)
    time.sleep(4)
    assert receiver.notified == [("firing", "critical", "EndToEndSlow")]


def test_a_worker_that_is_down_inhibits_no_documents(alertmanager: Alertmanager, receiver: Receiver):
    alertmanager.post(operations("WorkerDown"))
    receiver.wait_for(1)
    alertmanager.post(operations("NoDocuments"), operations("LateDocumentsRising"))
    receiver.wait_for(2)
    time.sleep(2)
    assert receiver.notified == [
        ("firing", "warning", "WorkerDown"),
        ("firing", "warning", "LateDocumentsRising"),
    ]


def test_a_restart_between_firing_and_resolved_notifies_neither_twice(
    alertmanager: Alertmanager, receiver: Receiver
):
    alert = surge("Oil", "warning")
    alertmanager.post(alert)
    receiver.wait_for(1)
    # It notes that it has notified after the receiver's answer.
    wait_until("it is noted", lambda: alertmanager.count("alertmanager_notification_requests_total") >= 1)
    time.sleep(1)
    alertmanager.stop()
    alertmanager.start()
    alertmanager.post(alert)  # Prometheus sends it again every minute
    time.sleep(4)
    assert receiver.notified == [("firing", "warning", "Oil")]
    alertmanager.post(alert, resolved=True)
    receiver.wait_for(2)
    assert receiver.notified[1:] == [("resolved", "warning", "Oil")]


def test_a_receiver_that_was_down_is_notified_once(alertmanager: Alertmanager, receiver: Receiver):
    receiver.broken = True
    alertmanager.post(surge("Oil", "warning"))
    wait_until("it has tried more than once", lambda: receiver.refused >= 2)
    receiver.broken = False
    receiver.wait_for(1)
    time.sleep(4)
    assert receiver.notified == [("firing", "warning", "Oil")]


def test_a_surge_that_is_resolved_before_a_notification_could_be_sent_is_never_notified(
    alertmanager: Alertmanager, receiver: Receiver
):
    """As docs/FAULTS.md says; the next one is."""
    receiver.broken, oil = True, surge("Oil", "warning")
    alertmanager.post(oil)
    wait_until("it tries to notify", lambda: receiver.refused >= 1)
    alertmanager.post(oil, resolved=True)
    # It tries for the group's interval, at least 10 s.
    wait_until("it gives up", lambda: alertmanager.count("alertmanager_notifications_failed_total") >= 1)
    receiver.broken = False
    time.sleep(4)
    assert receiver.notified == []
    alertmanager.begun.clear()
    alertmanager.post(oil)
    receiver.wait_for(1)
    assert receiver.notified == [("firing", "warning", "Oil")]
