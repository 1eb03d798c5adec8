"""Every page for readers says what exists: commands, flags, settings, policy keys, files, links, figures."""

import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path
from typing import NamedTuple

import click
import pytest
from prometheus_client import CollectorRegistry

from alerting.detection.policy import DEFAULT, Policy, load_policy
from alerting.monitoring.metrics import Metrics
from alerting.monitoring.state_collector import GAUGES
from bearwatch.cli import COMMANDS, bearwatch
from bearwatch.settings import SETTINGS
from bearwatch.settings_sources import from_file

ROOT = Path(__file__).parents[2]
PATHS = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
PAGES = {path.relative_to(ROOT).as_posix(): path.read_text().replace("\\\n", "") for path in sorted(PATHS)}
COMPOSE_FLAGS = {"--profile", "--volumes"}
NOW = {name: text for name, text in PAGES.items() if name != "CHANGELOG.md"}  # which also names what was
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FILES = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
).stdout.split("\n")
TOP = {file.split("/")[0] for file in FILES if "/" in file}


class Line(NamedTuple):
    """What follows `bearwatch` in one line of a page."""

    page: str
    text: str


def code(page: str, language: str) -> Iterator[str]:
    """The blocks of code of one language; "" are commands."""
    return (content for found, content in FENCE.findall(PAGES[page]) if found == language)


def lines() -> Iterator[Line]:
    pattern = re.compile(r"^(?:.*\| )?(?:\.venv/bin/)?bearwatch (.+)$", re.MULTILINE)
    for page in PAGES:
        for block in code(page, ""):
            yield from (Line(page, text) for text in pattern.findall(block))
        for made in re.findall(r'make (up|stack) ARGS="([^"]*)"', PAGES[page]):
            yield Line(page, " ".join(made))


def command_of(words: list[str]) -> click.Command:
    """The command that the first words name, which are taken off."""
    name = words.pop(0)
    command = bearwatch.get_command(click.Context(bearwatch), name)
    if isinstance(command, click.Group) and words:
        command = command.commands[words.pop(0)]
    assert command is not None, name
    return command


def all_flags() -> set[str]:
    """Of every command, and of Compose, which docs/compose.md calls."""
    groups = [bearwatch, *(bearwatch.get_command(click.Context(bearwatch), name) for name in COMMANDS)]
    commands = [each for group in groups for each in (group, *getattr(group, "commands", {}).values())]
    return {
        flag for command in commands for parameter in command.params for flag in parameter.opts
    } | COMPOSE_FLAGS


@pytest.mark.parametrize("line", sorted(set(lines())), ids=" ".join)
def test_every_command_line_is_accepted(line: Line, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Parsed by the command itself, as if the files and folders that it names were there."""
    words = shlex.split(line.text, comments=True)
    command = command_of(words)
    monkeypatch.chdir(tmp_path)
    if line.page == "docs/OPERATING.md":  # its settings file names the broker
        monkeypatch.setenv("BEARWATCH_BROKER", "kafka:9092")
    for parameter in command.params:
        if isinstance(parameter.type, click.Path):
            monkeypatch.setattr(parameter.type, "exists", False)
        if isinstance(parameter.type, click.File):
            Path(words[0]).touch()
    with command.make_context(line.text, words):
        pass  # leaving closes the files


def test_the_pages_have_commands():
    assert len(set(lines())) > 30


@pytest.mark.parametrize("page", PAGES)
def test_every_command_named_in_a_sentence_exists(page: str):
    text = FENCE.sub("", PAGES[page])
    for words in re.findall(r"`bearwatch ([a-z][^`\n]*)`", text):
        parts = words.split()
        command = command_of(parts)
        flags = {flag for parameter in command.params for flag in parameter.opts}
        assert {part for part in parts if part.startswith("--")} <= {*flags, "--help"}, words
    assert set(re.findall(r"`(--[a-z-]+)", text)) <= all_flags()
    makefile = (ROOT / "Makefile").read_text()
    targets = re.findall(r"^make ([\w-]+)", "".join(code(page, "")), re.MULTILINE)
    for target in targets + re.findall(r"`make ([\w-]+)", text):
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


@pytest.mark.parametrize("page", PAGES)
def test_every_program_named_exists(page: str):
    for module in re.findall(r"python -m ([\w.]+)", PAGES[page]):
        place = ROOT / module.replace(".", "/")
        assert place.with_suffix(".py").exists() or (place / "__init__.py").exists() or module == "pytest", (
            module
        )
    for place in re.findall(r"python (\w[\w/]+\.py)", PAGES[page]):
        assert (ROOT / place).exists(), place


def slug(heading: str) -> str:
    """The anchor of a heading, as GitHub makes it."""
    return re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES)
def test_every_link_leads_somewhere(page: str):
    text = FENCE.sub("", PAGES[page])
    for place, anchor in re.findall(r"\]\(([^)#:\s]*)(?:#([^)]+))?\)", text):
        target = ((ROOT / page).parent / place).resolve() if place else ROOT / page
        assert target.exists(), place
        if anchor:
            headings = re.findall(r"^#+ (.+)$", FENCE.sub("", target.read_text()), re.MULTILINE)
            assert anchor in map(slug, headings), anchor


@pytest.mark.parametrize("page", NOW)
def test_every_file_named_exists(page: str):
    for place in re.findall(r"`([\w.-]+(?:/[\w.-]+)*/?(?:\.\w+)?)`", PAGES[page]):
        if place.split("/")[0] in TOP and "/" in place:
            assert (ROOT / place).exists(), place


@pytest.mark.parametrize("page", NOW)
def test_every_name_in_code_type_stands_in_the_code(page: str):
    names = set(re.findall(r"`([a-z]+(?:_[a-z0-9]+)+|(?:[A-Z][a-z]+){2,})`", PAGES[page]))
    sources = [ROOT / file for file in FILES if re.search(r"\.(py|toml|json|yml)$", file)]
    known = {word for source in sources for word in re.findall(r"\w+", source.read_text(errors="replace"))}
    assert names <= known, names - known
    assert {name.lower() for name in re.findall(r"\bBEARWATCH_(\w+)", PAGES[page]) if name != "_"} <= set(
        SETTINGS
    )


def section(page: str, heading: str) -> str:
    """The text under a heading, up to the next one of its level or above."""
    level = heading.split()[0]
    found = re.search(rf"^{re.escape(heading)}\n(.*?)(?=^#{{1,{len(level)}}} |\Z)", PAGES[page], re.M | re.S)
    assert found, heading
    return found.group(1)


def test_every_setting_is_there():
    rows = re.findall(r"^\| `(\w+)` \|", section("docs/OPERATING.md", "## Settings"), re.MULTILINE)
    assert sorted(rows) == sorted(SETTINGS)


def test_every_metric_is_there():
    registry = CollectorRegistry()
    Metrics(registry, topics=["t"], sentiments=["s"], dead_letter_reasons=["r"])
    ending = {"counter": "_total", "info": "_info"}
    known = {metric.name + ending.get(metric.type, "") for metric in registry.collect()} | set(GAUGES)
    rows = re.findall(r"^\| (`bearwatch_.+?) \|", section("docs/OPERATING.md", "## Metrics"), re.MULTILINE)
    assert sorted(re.findall(r"`(\w+)`", " ".join(rows))) == sorted(known)


def test_the_settings_files_are_accepted(tmp_path: Path):
    blocks = list(code("docs/OPERATING.md", "toml"))
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.toml").write_text(block)
        assert from_file(tmp_path / f"{number}.toml")
    assert blocks


def test_every_key_of_the_policy_is_there_with_its_default():
    default, found = tomllib.loads(DEFAULT.read_text()), {}
    for name in ("windows", "time", "surge", "baseline", "baseline.prior_ratio"):
        rows = re.findall(
            r"^\| `(\w+)` \| `(.+?)` \|", section("docs/ALERTS.md", f"### `[{name}]`"), re.MULTILINE
        )
        found[name] = {key: tomllib.loads(f"value = {value}")["value"] for key, value in rows}
    found["baseline"]["prior_ratio"] = found.pop("baseline.prior_ratio")
    del default["policy_version"]
    assert found == default
    assert set(found) == {field.name for field in fields(Policy)}


def test_the_policy_files_are_accepted(tmp_path: Path):
    blocks = list(code("docs/ALERTS.md", "toml"))
    for number, block in enumerate(blocks):
        (tmp_path / f"{number}.toml").write_text(block)
        assert load_policy(tmp_path / f"{number}.toml").hash != load_policy().hash
    assert blocks


def test_the_figures_are_those_of_the_manifest():
    metrics = json.loads((ROOT / "models/bundled/manifest.json").read_text())["metrics"]
    rows = [
        f"{figures['accuracy']:.3f} | {figures['macro_f1']:.3f} | {int(figures['n']):,} |"
        for figures in metrics.values()
    ]
    assert rows and all(row in PAGES["docs/MODEL.md"] for row in rows)


def test_no_term_of_the_glossary_is_explained_twice():
    terms = re.findall(r"^\*\*(.+?)\*\*", PAGES["docs/concepts.md"], re.MULTILINE)
    assert len(terms) > 30
    assert terms == sorted(set(terms), key=str.lower)
