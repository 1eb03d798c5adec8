"""Fitting a tiny network: it learns, one seed gives one result, and a killed run goes on to that same result."""

from pathlib import Path
from typing import Any

import pytest
import torch
from tiny_training import table, write_checkpoint, write_data

from training.config import parse_config
from training.errors import TrainingError
from training.fit import fit, schedule
from training.precision import Precision
from training.run_folder import EpochReport, Position, RunFolder

FP32 = Precision("cpu", None)


def train(folder: Path, out: str, resume: bool = False, **hyperparameters: Any) -> EpochReport:
    config = parse_config(table(folder / "base", **hyperparameters))
    return fit(config, folder / "data", folder / out, resume=resume, precision=FP32)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "base")
    write_data(tmp_path / "data")
    return tmp_path


def equal_weights(one: Path, other: Path) -> bool:
    first, second = RunFolder(one).load_best(), RunFolder(other).load_best()
    return first.keys() == second.keys() and all(torch.equal(first[name], second[name]) for name in first)


def test_it_learns_and_keeps_the_best_epoch(folder: Path) -> None:
    best = train(folder, "run", epochs=4)
    assert best.score > 0.9
    last = RunFolder(folder / "run").load_last()
    assert last is not None
    position, _ = last
    assert position.epoch == 4
    assert best == max(position.reports, key=lambda report: report.score)


def test_interrupted_run_ends_like_an_uninterrupted_one(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = train(folder, "whole")
    save_last, saved = RunFolder.save_last, []

    def save_and_die(self: RunFolder, position: Position, state: dict[str, Any]) -> None:
        save_last(self, position, state)
        saved.append(position)
        if len(saved) == 2:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_last", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            train(folder, "killed")
    assert saved[-1].batch > 0  # in the middle of an epoch
    assert train(folder, "killed", resume=True) == expected
    assert equal_weights(folder / "whole", folder / "killed")


def test_other_seed_other_weights(folder: Path) -> None:
    for out, seed in (("one", 1), ("again", 1), ("two", 2)):
        config = parse_config({**table(folder / "base", epochs=1), "seed": seed})
        fit(config, folder / "data", folder / out, resume=False, precision=FP32)
    assert equal_weights(folder / "one", folder / "again")
    assert not equal_weights(folder / "one", folder / "two")


def test_a_run_is_not_mixed_with_another(folder: Path) -> None:
    train(folder, "run", epochs=1)
    with pytest.raises(TrainingError, match="add --resume"):
        train(folder, "run", epochs=1)
    with pytest.raises(TrainingError, match="another configuration"):
        train(folder, "run", resume=True, epochs=2)
    with pytest.raises(TrainingError, match="no training run"):
        train(folder, "data", epochs=1)


def test_checkpoint_that_is_none(folder: Path) -> None:
    config = parse_config({**table(folder / "data")})
    with pytest.raises(TrainingError, match=r"base_model .* cannot be loaded"):
        fit(config, folder / "data", folder / "run", resume=False, precision=FP32)


def test_full_disk_keeps_the_last_checkpoint(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(folder, "run", epochs=1)
    run = RunFolder(folder / "run")

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", full)
    with pytest.raises(TrainingError, match=r"last\.pt: cannot be written: .*No space left"):
        run.save_last(Position(), {})
    last = run.load_last()
    assert last is not None
    assert last[0].epoch == 1


def test_learning_rate_rises_then_falls() -> None:
    factors = [schedule(step, 10, 2) for step in range(10)]
    assert factors == [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]
