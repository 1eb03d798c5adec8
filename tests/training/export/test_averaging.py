"""The mean of several runs: of runs that are alike, and only where it is no worse than each."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_training import table, write_checkpoint, write_data

import training.export.averaging
from models.manifest import load_manifest
from training.config_file import parse_config
from training.errors import TrainingError
from training.export.artifact import export
from training.export.averaging import common_record, load_mean
from training.export.card import CARD
from training.fit.network import encode, saved_network
from training.fit.precision import Precision
from training.fit.run_folder import RunFolder
from training.fit.training_run import fit

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def train(folder: Path, name: str, data: str = "data", **changes: Any) -> None:
    config = parse_config({**table(folder / "base"), **changes})
    fit(config, folder / data, folder / name, resume=False, precision=Precision("cpu", None))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two runs of one seed that learnt for different times."""
    folder = tmp_path_factory.mktemp("averaging")
    write_checkpoint(folder / "base")
    write_data(folder / "data")
    for name, epochs in (("short", 3), ("long", 4)):
        train(folder, name, **table(folder / "base", epochs=epochs))
    return folder


def runs(folder: Path) -> list[RunFolder]:
    return [RunFolder(folder / name) for name in ("short", "long")]


@pytest.fixture
def scores(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[float]]:
    """What the runs, in turn, and then their mean are said to score."""
    given: list[float] = []
    left = iter(given)
    monkeypatch.setattr(training.export.averaging, "_score", lambda *_: next(left))
    yield given


def test_the_weights_are_the_mean(folder: Path, scores: list[float]) -> None:
    scores += [0.8, 0.9, 0.9]
    short, long = runs(folder)
    record = common_record([short, long])
    network, tokenizer = saved_network(short.path, record.config)
    load_mean(network, [short, long], encode(short.dev_examples(), tokenizer, record.config))
    first, second = short.load_best(), long.load_best()
    for name, weight in network.state_dict().items():
        torch.testing.assert_close(weight, (first[name] + second[name]) / 2)
    assert any(not torch.equal(first[name], second[name]) for name in first)


def test_a_mean_that_is_worse_than_a_run_is_refused(
    folder: Path, tmp_path: Path, scores: list[float]
) -> None:
    scores += [0.8, 0.9, 0.89]
    with pytest.raises(
        TrainingError, match=r"an accuracy of 89\.00% .*long alone has 90\.00%; export that run alone"
    ):
        export([folder / "short", folder / "long"], tmp_path / "model", None, NOW)
    assert not list(tmp_path.iterdir())


def test_the_artifact_says_that_it_is_a_mean(folder: Path, tmp_path: Path) -> None:
    manifest = export([folder / "long", folder / "short"], tmp_path / "model", None, NOW)
    assert load_manifest(tmp_path / "model") == manifest and manifest.runs == 2
    assert [one.name for one in manifest.datasets] == ["sentiment", "topic"]
    assert "the mean of 2 runs" in (tmp_path / "model" / CARD).read_text("utf-8")


def test_runs_that_are_not_alike_have_no_mean(folder: Path, tmp_path: Path) -> None:
    train(folder, "longer-texts", max_tokens=20)
    with pytest.raises(TrainingError, match=r"longer-texts and .*long differ in their max_tokens"):
        export([folder / "long", folder / "longer-texts"], tmp_path / "model", None, NOW)
    train(folder, "other-dev", **table(folder / "base", dev_ratio=0.4))
    with pytest.raises(TrainingError, match="differ in their dev split"):
        export([folder / "long", folder / "other-dev"], tmp_path / "model", None, NOW)
