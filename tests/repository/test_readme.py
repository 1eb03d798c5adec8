"""The README, and the commands of the model's page, say what exists: commands, flags, settings, files, figures."""

import json
import re
import shlex
from pathlib import Path

import click
import pytest

from bearwatch.cli import bearwatch
from bearwatch.settings import SETTINGS

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text()
OPERATING = (ROOT / "docs" / "OPERATING.md").read_text()
MODEL = (ROOT / "docs" / "MODEL.md").read_text().replace("\\\n", "")
COMMANDS = re.findall(r"^\.venv/bin/bearwatch (.+)$", README, re.MULTILINE) + re.findall(
    r"^bearwatch (.+)$", MODEL + OPERATING, re.MULTILINE
)


@pytest.mark.parametrize("line", COMMANDS)
def test_every_command_line_is_accepted(line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Parsed by the command itself; files and folders that it names are made first."""
    name, *arguments = shlex.split(line, comments=True)
    command = bearwatch.get_command(click.Context(bearwatch), name)
    if isinstance(command, click.Group):
        command = command.commands[arguments.pop(0)]
    assert command is not None
    monkeypatch.chdir(tmp_path)
    if line in OPERATING:  # its settings file names the broker
        monkeypatch.setenv("BEARWATCH_BROKER", "kafka:9092")
    for argument in arguments:
        if argument.endswith((".jsonl", ".toml", ".csv", ".txt")):
            Path(argument).parent.mkdir(parents=True, exist_ok=True)
            Path(argument).touch()
        elif re.fullmatch(r"DATA|model|runs/1", argument):
            Path(argument).mkdir(parents=True, exist_ok=True)
    with command.make_context(name, arguments):
        pass  # leaving closes the files


def test_every_file_named_exists():
    for place in re.findall(r"\]\(([^)#:]+)\)", README) + re.findall(
        r"`((?:training|models)/[\w./]+)`", README
    ):
        assert (ROOT / place).exists(), place
    for module in re.findall(r"python -m ([\w.]+)", README):
        assert (ROOT / f"{module.replace('.', '/')}.py").exists(), module


def test_every_setting_is_there():
    assert set(re.findall(r"^\| `(\w+)` \|", README, re.MULTILINE)) == set(SETTINGS)


def test_the_figures_are_those_of_the_manifest():
    metrics = json.loads((ROOT / "models/bundled/manifest.json").read_text())["metrics"]
    rows = [
        f"{figures['accuracy']:.3f} | {figures['macro_f1']:.3f} | {int(figures['n']):,} |"
        for figures in metrics.values()
    ]
    assert rows and all(row in README for row in rows)
