"""The wheel, installed with the locked packages alone, works in a folder that holds packages named like ours."""

import os
import subprocess
import sys
import time
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from email.parser import BytesParser
from pathlib import Path

import msgspec
import pytest
from external_tools import unavailable
from keyword_model import write_keyword_model
from story_file import write_history

import bearwatch
from bearwatch.local.ports import free_port
from bearwatch.settings import ENVIRONMENT

ROOT = Path(__file__).parents[2]
PACKAGES = ("bearwatch", "models", "training", "stream", "alerting")
POLICY = ROOT / "tests" / "support" / "minute_policy.toml"
HOSTILE = (*PACKAGES, "tests", "click", "yaml")  # names that Python must not look up in the user's folder


@dataclass(frozen=True)
class Installed:
    """The command of a fresh environment, and the folder in which a user calls it."""

    python: Path
    folder: Path

    def run(
        self, *arguments: object, prefix: Sequence[object] = (), given: str = ""
    ) -> subprocess.CompletedProcess[str]:
        """The command `bearwatch`, or `prefix` in its place."""
        command = prefix or (self.python.with_name("bearwatch"),)
        environment = {
            name: value
            for name, value in os.environ.items()
            if name != "PYTHONPATH" and not name.startswith(ENVIRONMENT)
        }
        return subprocess.run(
            [str(each) for each in (*command, *arguments)],
            cwd=self.folder,
            env=environment,
            input=given,
            capture_output=True,
            text=True,
        )


def call(*command: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(each) for each in command], cwd=ROOT, capture_output=True, text=True)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    built = call(sys.executable, "-P", "-m", "hatchling", "build", "-t", "wheel", "-d", folder)
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Packages come out of uv's cache, as hard links; what is not there is downloaded."""
    uv, environment = Path(sys.executable).with_name("uv"), tmp_path_factory.mktemp("environment") / "venv"
    python = environment / "bin" / "python"
    made = call(uv, "venv", "--python", sys.executable, environment)
    assert made.returncode == 0, made.stderr
    locked = (uv, "pip", "install", "--python", python, "--require-hashes", "-r", "requirements.txt")
    if call(*locked, "--offline").returncode and (done := call(*locked)).returncode:
        unavailable(f"the locked packages cannot be installed: {done.stderr}")
    done = call(uv, "pip", "install", "--python", python, "--offline", "--no-deps", wheel)
    assert done.returncode == 0, done.stderr
    folder = tmp_path_factory.mktemp("user")
    for name in HOSTILE:
        (folder / name).mkdir()
        (folder / name / "__init__.py").write_text(f"raise RuntimeError('{name} of the user, not ours')\n")
    return Installed(python, folder)


def test_the_wheel_holds_every_file_of_its_packages_and_no_other(wheel: Path):
    tracked = call("git", "ls-files", "--cached", "--others", "--exclude-standard", *PACKAGES).stdout.split(
        "\n"
    )
    with zipfile.ZipFile(wheel) as content:
        packed = {name for name in content.namelist() if ".dist-info/" not in name}
    assert packed == {name for name in tracked if name and (ROOT / name).exists()}
    assert {f"{package}/py.typed" for package in PACKAGES} <= packed


def test_the_metadata_gives_version_and_licence_and_no_address(wheel: Path):
    with zipfile.ZipFile(wheel) as content:
        (name,) = (each for each in content.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = BytesParser().parsebytes(content.read(name))
    assert metadata["Version"] == bearwatch.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert "Typing :: Typed" in metadata.get_all("Classifier", [])
    for field in ("Home-page", "Project-URL", "Author", "Author-email", "Maintainer", "Maintainer-email"):
        assert metadata[field] is None, field


def test_nothing_in_the_wheel_unpacks_or_patches_programs(wheel: Path):
    with zipfile.ZipFile(wheel) as content:
        for name in content.namelist():
            if name.endswith(".py"):
                assert not {b"apt-get", b"dpkg"} & set(content.read(name).split()), name


def test_version_and_help(installed: Installed):
    version = installed.run("--version")
    assert version.stdout == f"bearwatch, version {bearwatch.__version__}\n", version.stderr
    assert "Usage: bearwatch" in installed.run("--help").stdout


@pytest.mark.parametrize("command", ["worker", "stack", "alerts"])
def test_every_command_starts_however_it_is_called(command: str, installed: Installed):
    """`python -m` would look into the current folder first."""
    for prefix in ((), (installed.python, "-m", "bearwatch")):
        if prefix:  # else Python finds the user's package `bearwatch`, before any code of ours
            (installed.folder / "bearwatch").rename(installed.folder / "other")
        try:
            done = installed.run(command, "--help", prefix=prefix)
        finally:
            if prefix:
                (installed.folder / "other").rename(installed.folder / "bearwatch")
        assert done.returncode == 0 and "Usage:" in done.stdout, done.stderr


def test_classify(installed: Installed):
    done = installed.run("classify", given="Acme Bank shares plunge after regulator opens probe\n")
    assert done.returncode == 0, done.stderr
    assert msgspec.json.decode(done.stdout)["sentiment"] == "negative"


def test_rules_are_the_committed_ones_and_their_runbooks_are_served(installed: Installed):
    done = installed.run("rules", "--out", "rules")
    assert done.returncode == 0, done.stderr
    for name in ("alerts.yml", "recording.yml"):
        written = (installed.folder / "rules" / name).read_text()
        assert written == (ROOT / "alerting" / "prometheus" / name).read_text()
    code = "from alerting.evidence.runbooks import runbook_page; print(runbook_page('Surge'))"
    page = installed.run("-P", "-c", code, prefix=(installed.python,))
    assert "<h1>Surge</h1>" in page.stdout, page.stderr


def test_up_until_an_alert(installed: Installed, tmp_path: Path):
    """Broker, worker and feed, each a process of its own, all in the user's folder."""
    feed = write_history(tmp_path / "feed.jsonl", surge=True, now=time.time())
    done = installed.run(
        *("up", "--until-alert", "--for", 600, "--feed", feed, "--data-dir", tmp_path / "data"),
        *(
            "--model",
            write_keyword_model(tmp_path / "model"),
            "--policy",
            POLICY,
            "--metrics-port",
            free_port(),
        ),
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "surge of bad news about Financials" in done.stdout


def test_the_compose_file_names_the_image_of_this_version():
    compose = (ROOT / "docker-compose.yml").read_text()
    assert f"image: bearwatch:{bearwatch.__version__}\n" in compose
