"""A tiny comparison: one head, a checkpoint to fine-tune, an exported model, and two evaluation texts."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from tiny_bert import write_tiny_bert
from tiny_training import write_checkpoint, write_data

from training.comparison.cells import Task
from training.comparison.inputs import read_tests
from training.config import TrainingConfig
from training.config_file import load_config
from training.data.corpus import read_corpus

EVALUATION = "text,label\nBanyard faces a fraud probe,negative\nBanyard soars on record profit,positive\n"
CONFIGURATION = """\
base_model = "{base}"
max_tokens = 16
seed = 3

[heads.sentiment]
labels = ["negative", "neutral", "positive"]
aliases = {{ 0 = "negative", 1 = "positive", 2 = "neutral" }}

[hyperparameters]
epochs = 1
batch_tokens = 64
encoder_learning_rate = 3e-3
head_learning_rate = 1e-2
dev_ratio = 0.2

[[datasets]]
name = "sentiment"
path = "sentiment.csv"
head = "sentiment"
text = "headline"

[[evaluation]]
name = "check"
path = "check.csv"
head = "sentiment"
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`config.toml`, `base` to fine-tune, `data`, and `model`, which has the same head and labels."""
    folder = tmp_path_factory.mktemp("compare")
    write_checkpoint(folder / "base")
    write_data(folder / "data")
    (folder / "data" / "check.csv").write_text(EVALUATION)
    (folder / "config.toml").write_text(CONFIGURATION.format(base=folder / "base"))
    write_tiny_bert(folder / "model")
    return folder


@pytest.fixture(scope="session")
def config(folder: Path) -> TrainingConfig:
    """The configuration in `folder`."""
    return load_config(folder / "config.toml")


@pytest.fixture(scope="session")
def task(folder: Path, config: TrainingConfig) -> Task:
    """The input of a cell with all labels."""
    tests = {"sentiment": read_tests(config, "sentiment", folder / "data")}
    corpus = read_corpus(config, folder / "data")
    created = datetime(2026, 3, 1, tzinfo=UTC)
    return Task(config, corpus, tests, folder / "data", folder / "model", folder / "scratch", created)
