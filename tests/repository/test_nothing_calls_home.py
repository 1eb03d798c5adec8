"""Nothing calls home: commands reach nothing but this machine, and write nothing outside the folders they are given.

They run in a network of their own (`network_guard`) with an empty home, and with none of the variables that switch a
library's reports off.
"""

import ast
import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import yaml
from network_guard import Guarded, guarded, unavailable
from tiny_training import write_checkpoint, write_data

from bearwatch.core.cache import cache_folder
from bearwatch.core.telemetry import SWITCHES, switch_off
from models.engines import CPU, FP32

ROOT = Path(__file__).parents[2]
BEARWATCH = (sys.executable, "-m", "bearwatch")
ADDRESSES = ("192.0.2.1", "2001:db8::1")  # of the ranges for documentation
GUARDS = ["audit"] if unavailable() else ["audit", "namespace"]


CONFIGURATION = """
base_model = "{base}"
max_tokens = 16

[heads.sentiment]
labels = ["negative", "neutral", "positive"]
aliases = {{ 0 = "negative", 1 = "positive", 2 = "neutral" }}

[hyperparameters]
epochs = 1
dev_ratio = 0.2

[[datasets]]
name = "sentiment"
path = "sentiment.csv"
head = "sentiment"
text = "headline"

[tracking]
wandb = "offline"
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("home", "tmp", "work"):
        (tmp_path / name).mkdir()
    return tmp_path


def environment(folder: Path, **variables: str) -> Mapping[str, str]:
    """Every variable of a guarded command."""
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests" / "support"))),
        "HOME": str(folder / "home"),
        "TMPDIR": str(folder / "tmp"),
        "OMP_NUM_THREADS": "1",  # torch: for so little to compute, waiting for each other costs more than it gains
        **variables,
    }


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if not path.is_dir()}


def assert_quiet(done: Guarded, folder: Path) -> None:
    assert done.exit_code == 0, done.output
    assert done.attempts == []
    assert files(folder / "home") == files(folder / "tmp") == set()


@pytest.mark.parametrize("guard", GUARDS)
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        *((f"s.connect(({address!r}, 443))", address) for address in ADDRESSES),
        ("socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('198.51.100.7', 9999))", "198.51.100.7"),
        ("socket.getaddrinfo('reports.example.com', 443)", "reports.example.com"),
    ],
)
def test_the_guard_notices_what_leaves_this_machine(
    folder: Path, guard: str, code: str, expected: str
) -> None:
    family = "AF_INET6" if "::" in code else "AF_INET"
    program = f"import socket\ns = socket.socket(socket.{family})\ns.settimeout(0.1)\n{code}"
    done = guarded([sys.executable, "-c", program], folder / "work", environment(folder), guard)
    assert any(expected in attempt for attempt in done.attempts), done


@pytest.mark.parametrize("guard", GUARDS)
def test_the_guard_permits_loopback(folder: Path, guard: str) -> None:
    program = (
        "import socket\n"
        "for host, family in (('127.0.0.1', socket.AF_INET), ('::1', socket.AF_INET6)):\n"
        "    server = socket.create_server((host, 0), family=family)\n"
        "    socket.create_connection((host, server.getsockname()[1])).sendall(b'x' * 100_000)\n"
    )
    assert_quiet(
        guarded([sys.executable, "-c", program], folder / "work", environment(folder), guard), folder
    )


@pytest.mark.skipif(bool(unavailable()), reason="without a network of its own only Python is watched")
def test_the_guard_notices_native_code_in_a_child_process(folder: Path) -> None:
    done = guarded(
        ["sh", "-c", "getent hosts reports.example.com; true"], folder / "work", environment(folder)
    )
    assert done.exit_code == 0
    assert any("(reports.example.com)" in attempt for attempt in done.attempts), done


@pytest.mark.parametrize(("engine", "switch"), [(CPU, {}), (FP32, {"ORT_DISABLE_TELEMETRY": "0"})])
def test_classify(folder: Path, engine: str, switch: Mapping[str, str]) -> None:
    """Whatever the environment says of a library's reports."""
    command = [*BEARWATCH, "classify", "--engine", engine, "Acme shares plunge"]
    done = guarded(command, folder / "work", environment(folder, **switch))
    assert '"sentiment":"negative"' in done.output
    assert_quiet(done, folder)
    assert files(folder / "work") == set()


def test_train_export_and_evaluate(folder: Path) -> None:
    """In one process, because each would import torch; W&B's curves stay in the run's folder."""
    data = write_data(folder / "data")
    write_checkpoint(folder / "base")
    (folder / "tiny.toml").write_text(CONFIGURATION.format(base=folder / "base"))
    before = {name: files(folder / name) for name in ("data", "base")}
    commands = [
        ["train", f"{folder}/tiny.toml", "--data-dir", str(data), "--out", "run"],
        ["export", "run", "--out", "model"],
        f"evaluate --model model --data {data}/sentiment.csv --task sentiment --text headline --label label".split(),
    ]
    program = (
        "from bearwatch.cli import bearwatch\n"
        f"for each in {commands}:\n"
        "    bearwatch.main(each, standalone_mode=False)\n"
    )
    done = guarded([sys.executable, "-c", program], folder / "work", environment(folder))
    assert_quiet(done, folder)
    assert {path.name for path in (folder / "work").iterdir()} == {"run", "model"}
    assert files(folder / "work" / "model") == {
        "manifest.json",
        "model.onnx",
        "tokenizer.json",
        "MODEL_CARD.md",
    }
    assert {name: files(folder / name) for name in before} == before


def test_a_worker_and_its_kafka(folder: Path) -> None:
    """Kafka's jars come from the cache, which the test's own session has filled."""
    cache = cache_folder(os.environ).parent
    script = ROOT / "tests" / "support" / "guarded_worker.py"
    command = [sys.executable, str(script), str(folder / "work"), str(folder / "home")]
    done = guarded(command, folder / "work", environment(folder, XDG_CACHE_HOME=str(cache)))
    assert_quiet(done, folder)
    known = {"kafka", "model", "news.jsonl", "worker.log"}
    assert {path.name for path in (folder / "work").iterdir()} == known


REPORTING = {"onnxruntime", "openvino", "transformers", "huggingface_hub", "wandb", "torch", "tensorboard"}


def imported(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        match node:
            case ast.Import(names=names):
                found |= {each.name.partition(".")[0] for each in names}
            case ast.ImportFrom(module=str(module), level=0):
                found.add(module.partition(".")[0])
    return found


def test_only_packages_that_switch_reports_off_import_what_reports() -> None:
    """Python imports a package before its modules, so whichever module comes first, the switches are set."""
    sources = [
        path
        for root in ("bearwatch", "alerting", "stream", "models", "training")
        for path in (ROOT / root).rglob("*.py")
    ]
    importing = {path.relative_to(ROOT).parts[0] for path in sources if imported(path) & REPORTING}
    assert importing == {"models", "training"}
    for package in importing:
        assert "switch_off(os.environ, sys.modules)" in (ROOT / package / "__init__.py").read_text()


def test_the_switches_are_set_whatever_was_set_before() -> None:
    environ = {"ORT_DISABLE_TELEMETRY": "", "WANDB_ERROR_REPORTING": "true", "HOME": "/root"}
    modules: dict[str, object] = {}
    switch_off(environ, modules)
    assert environ == {**SWITCHES, "HOME": "/root"}
    assert modules == {"openvino_telemetry": None}


def test_grafana_calls_nobody() -> None:
    """Its own switches; the other images of the compose file report nothing."""
    services = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]
    switches = services["grafana"]["environment"]
    for name in (
        "ANALYTICS_REPORTING_ENABLED",
        "ANALYTICS_CHECK_FOR_UPDATES",
        "ANALYTICS_CHECK_FOR_PLUGIN_UPDATES",
        "NEWS_NEWS_FEED_ENABLED",
    ):
        assert switches[f"GF_{name}"] == "false"
    assert switches["GF_SECURITY_DISABLE_GRAVATAR"] == "true"
