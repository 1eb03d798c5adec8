"""Curves in TensorBoard and Weights & Biases: every step once, resumed or not, and nothing over the network."""

import os
import socket
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import wandb
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_training import table, write_checkpoint, write_data
from torch.utils.tensorboard import SummaryWriter
from waiting import wait_until
from wandb import Run
from wandb.proto.wandb_internal_pb2 import Record

from training.config import Tracking
from training.config_file import parse_config
from training.errors import TrainingConfigError, TrainingError
from training.fit.precision import Precision
from training.fit.tracking import trackers
from training.fit.trainer import Trainer
from training.fit.training_run import fit

FP32 = Precision("cpu", None)
DEV = {f"dev/{head}/{k}" for head in ("sentiment", "topic") for k in ("accuracy", "macro_f1", "ece", "n")}
BLOCK, FULL, LAST = 2**15, 1, 4
SCALARS = {"train/loss", "train/learning_rate_factor", "train/seconds_per_step", "dev/score", *DEV}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "base")
    write_data(tmp_path / "data")
    return tmp_path


def train(folder: Path, out: str, resume: bool = False, **tracking: Any) -> None:
    config = parse_config({**table(folder / "base"), "tracking": tracking})
    fit(config, folder / "data", folder / out, resume=resume, precision=FP32)


def killed_after(steps: int, patch: pytest.MonkeyPatch) -> None:
    """Make the optimiser step after so many die; checkpoints are written every four."""
    step, taken = Trainer.step, iter(range(steps))

    def step_or_die(*arguments: Any) -> float:
        if next(taken, None) is None:
            raise KeyboardInterrupt
        return step(*arguments)

    patch.setattr(Trainer, "step", step_or_die)


def curves(run: Path) -> dict[str, list[tuple[int, float]]]:
    """As TensorBoard shows them: scalar -> (step, value)."""
    read = EventAccumulator(str(run / "tensorboard"), size_guidance={"scalars": 0})
    read.Reload()
    return {tag: [(e.step, e.value) for e in read.Scalars(tag)] for tag in read.Tags()["scalars"]}


def test_tensorboard_shows_each_step_once_after_a_kill(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    train(folder, "whole", tensorboard=True)
    with monkeypatch.context() as patch:
        killed_after(7, patch)
        with pytest.raises(KeyboardInterrupt):
            train(folder, "killed", tensorboard=True)
    assert [step for step, _ in curves(folder / "killed")["train/loss"]] == list(range(1, 8))
    train(folder, "killed", resume=True, tensorboard=True)
    whole, resumed = curves(folder / "whole"), curves(folder / "killed")
    assert whole.keys() == SCALARS
    steps = [step for step, _ in whole["train/loss"]]
    assert steps == list(range(1, len(steps) + 1))
    assert [step for step, _ in whole["dev/score"]] == [len(steps) // 2, len(steps)]
    for tag in SCALARS - {"train/seconds_per_step"}:
        assert resumed[tag] == whole[tag]
    assert [step for step, _ in resumed["train/seconds_per_step"]] == steps


@pytest.fixture
def network(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """Where W&B would connect to, by its address and by proxies."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"http://127.0.0.1:{server.getsockname()[1]}"
        for name in ("WANDB_BASE_URL", "HTTP_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, address)
        for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR"):
            monkeypatch.setenv(name, str(tmp_path / "wandb-home"))
        yield server


def history(file: Path) -> list[dict[str, str]]:
    """The rows of a W&B log: a header of 7 bytes, then LevelDB's log format, blocks of 32 KiB."""
    log, at, whole, rows = file.read_bytes(), 7, b"", []
    while at < len(log):
        if BLOCK - at % BLOCK < 7:  # no room for the next header: filled with zeros
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = struct.unpack_from("<IHB", log, at)
        whole += log[at + 7 : at + 7 + length]
        at += 7 + length
        if kind in (FULL, LAST):
            record, whole = Record.FromString(whole), b""
            if record.WhichOneof("record_type") == "history":
                rows.append(
                    {(item.key or item.nested_key[0]): item.value_json for item in record.history.item}
                )
    return rows


def test_wandb_offline_stays_in_the_folder(
    folder: Path, network: socket.socket, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        killed_after(7, patch)
        with pytest.raises(KeyboardInterrupt):
            train(folder, "run", wandb="offline", project="desk")
    train(folder, "run", resume=True, wandb="offline", project="desk")
    parts = sorted((folder / "run" / "wandb").glob("offline-run-*/*.wandb"), key=lambda f: f.stat().st_mtime)
    assert len(parts) == 2
    assert parts[0].name == parts[1].name  # one run at W&B
    wait_until("W&B's own process has written the end", lambda: bool(history(parts[1])))
    first, second = ([int(row["_step"]) for row in history(part)] for part in parts)
    assert first == list(range(1, 8))
    assert second == list(range(5, second[-1] + 1))
    assert {key for row in history(parts[1]) for key in row if not key.startswith("_")} == SCALARS
    assert "wandb" not in "".join(capfd.readouterr()).lower()
    network.setblocking(False)
    with pytest.raises(BlockingIOError):
        network.accept()


def test_wandb_online_without_a_login_is_an_error(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    for name in ("WANDB_CACHE_DIR", "WANDB_CONFIG_DIR", "NETRC"):
        monkeypatch.setenv(name, str(folder / "wandb-home"))
    monkeypatch.setenv("WANDB_BASE_URL", "http://127.0.0.1:9")  # the discard port: nothing listens there
    with pytest.raises(TrainingError, match=r'tracking\.wandb = "online": .*`wandb login` first'):
        train(folder, "run", wandb="online")


@pytest.mark.parametrize(
    ("package", "tracking"), [("wandb", {"wandb": "offline"}), ("tensorboard", {"tensorboard": True})]
)
def test_a_missing_package_is_named_at_once(
    folder: Path, monkeypatch: pytest.MonkeyPatch, package: str, tracking: dict[str, Any]
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.delitem(sys.modules, "torch.utils.tensorboard", raising=False)
    with pytest.raises(TrainingConfigError, match=rf"{package}: pip install 'bearwatch\[track\]'"):
        train(folder, "run", **tracking)
    assert not (folder / "run").exists()


def test_off_needs_no_package_and_writes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("wandb", "tensorboard", "torch.utils.tensorboard"):
        monkeypatch.setitem(sys.modules, module, None)
    with trackers(Tracking(), tmp_path, 0) as none:
        none.log(1, {"train/loss": 0.5})
        none.flush()
    assert not list(tmp_path.iterdir())


def full(*_: Any, **__: Any) -> None:
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize("call", ["__init__", "add_scalar", "flush", "close"])
def test_a_full_disk_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str) -> None:
    monkeypatch.setattr(SummaryWriter, call, full)
    message = r"tensorboard: curves cannot be written: .*No space left"
    with (
        pytest.raises(TrainingError, match=message),
        trackers(Tracking(tensorboard=True), tmp_path, 0) as opened,
    ):
        opened.log(1, {"train/loss": 0.5})
        opened.flush()


@pytest.mark.parametrize("call", ["log", "finish"])
def test_a_broken_process_of_wandb_is_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str
) -> None:
    def gone(*_: object, **__: object) -> None:
        raise BrokenPipeError

    with (
        pytest.raises(TrainingError, match="wandb: curves cannot be written"),
        trackers(Tracking(wandb="offline"), tmp_path, 0) as opened,
    ):
        monkeypatch.setattr(Run, call, gone)
        opened.log(1, {"train/loss": 0.5})
    monkeypatch.undo()
    wandb.finish()


def test_no_half_of_an_identity_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "fsync", full)
    with (
        pytest.raises(TrainingError, match=r"wandb-id: cannot be written: .*No space left"),
        trackers(Tracking(wandb="offline"), tmp_path, 0),
    ):
        pass
    assert not (tmp_path / "wandb-id").exists()


def test_a_resumed_run_may_be_tracked_otherwise(folder: Path) -> None:
    train(folder, "run")
    train(folder, "run", resume=True, tensorboard=True)
    assert curves(folder / "run") == {}  # there was nothing left to do


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"tensorbord": True}, "the nearest known one is 'tensorboard'"), ({"wandb": "on"}, "tracking.wandb")],
)
def test_wrong_table(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(TrainingConfigError, match=message):
        parse_config({**table(Path("base")), "tracking": wrong})
