"""Fitting a tiny network: it learns, one seed gives one result, and a killed run goes on to that same result."""

import os
import shutil
import stat
from pathlib import Path
from typing import Any

import msgspec
import pytest
import torch
from safetensors.torch import load_file, save_file
from tiny_training import table, write_checkpoint, write_data
from transformers import BartConfig, BertConfig, GPT2Config

from models.tokens import TextEncoder
from training.config_file import parse_config
from training.data.leaks import LeakReport
from training.data.report import DataReport
from training.errors import TrainingConfigError, TrainingError
from training.fit.network import encode_texts, new_network
from training.fit.precision import Precision
from training.fit.run_folder import EpochReport, Position, RunFolder
from training.fit.training_run import fit, schedule

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
    with pytest.raises(TrainingError, match="not a training run"):
        train(folder, "data", epochs=1)


def test_a_run_continues_in_the_precision_it_was_started_in(folder: Path) -> None:
    best = train(folder, "run", epochs=1)
    config, bf16 = parse_config(table(folder / "base", epochs=1)), Precision("cpu", torch.bfloat16)
    with pytest.raises(
        TrainingError, match=r"was started on cpu in float32, and here training is on cpu in bf"
    ):
        fit(config, folder / "data", folder / "run", resume=True, precision=bf16)
    record = folder / "run" / "run.json"
    older = msgspec.json.decode(record.read_bytes())
    del older["precision"]
    record.write_bytes(msgspec.json.encode(older))
    assert train(folder, "run", resume=True, epochs=1) == best


def test_checkpoint_that_is_none(folder: Path) -> None:
    config = parse_config({**table(folder / "data")})
    with pytest.raises(TrainingError, match=r"base_model .* cannot be loaded"):
        fit(config, folder / "data", folder / "run", resume=False, precision=FP32)


OTHER_FAMILIES = {
    "gpt2": GPT2Config(vocab_size=99, n_positions=32, n_embd=32, n_layer=1, n_head=2),
    "bart": BartConfig(
        vocab_size=99, d_model=32, encoder_layers=1, decoder_layers=1, is_encoder_decoder=True
    ),
    "bert": BertConfig(
        vocab_size=99, hidden_size=32, num_hidden_layers=1, num_attention_heads=2, is_decoder=True
    ),
}


@pytest.mark.parametrize("family", OTHER_FAMILIES)
def test_checkpoint_that_is_not_a_bert(folder: Path, family: str) -> None:
    """By its configuration alone, before weights are read; a BERT that reads from left to right is none either."""
    OTHER_FAMILIES[family].save_pretrained(folder / "base")
    with pytest.raises(
        TrainingConfigError, match=rf"base_model .* is not a BERT but a model of the type '{family}'"
    ):
        train(folder, "run")


def test_checkpoint_with_other_weights_or_half_of_them(folder: Path) -> None:
    weights = load_file(folder / "base" / "model.safetensors")
    fewer = {name: value for name, value in weights.items() if "layer.1." not in name}
    save_file(fewer, folder / "base" / "model.safetensors", {"format": "pt"})
    with pytest.raises(
        TrainingError,
        match=r"lacks 16 weights of a bert, such as encoder\.layer\.1\..*; training would start",
    ):
        train(folder, "run")
    whole = (folder / "base" / "model.safetensors").read_bytes()
    (folder / "base" / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(TrainingError, match=r"base_model .* cannot be loaded"):
        train(folder, "run")


def test_patience_ends_a_run_that_gets_no_better(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Three epochs without a better score, after the one that stays the best; killed and resumed, the same."""
    patient = {"epochs": 12, "patience": 3}
    expected = train(folder, "whole", **patient)
    whole = RunFolder(folder / "whole").load_last()
    assert whole is not None
    assert whole[0].epoch == expected.epoch + 3 < 12
    assert expected.score == max(report.score for report in whole[0].reports)
    save_last = RunFolder.save_last

    def save_and_die(self: RunFolder, position: Position, state: dict[str, Any]) -> None:
        save_last(self, position, state)
        if position.epoch == expected.epoch + 1 and position.batch == 0:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "save_last", save_and_die)
        with pytest.raises(KeyboardInterrupt):
            train(folder, "killed", **patient)
    for _ in range(2):  # the second time there is nothing left to do
        assert train(folder, "killed", resume=True, **patient) == expected
        resumed = RunFolder(folder / "killed").load_last()
        assert resumed is not None
        assert resumed[0] == whole[0]
    assert equal_weights(folder / "whole", folder / "killed")


def test_reports_on_the_data_lie_in_the_folder(folder: Path) -> None:
    train(folder, "run", epochs=1)
    data = msgspec.json.decode((folder / "run" / "data.json").read_bytes(), type=DataReport)
    leaks = msgspec.json.decode((folder / "run" / "leaks.json").read_bytes(), type=LeakReport)
    assert [one.name for one in data.sets] == list(leaks.sets) == ["sentiment", "topic"]
    assert [one.kept for one in data.sets] == [90, 40]


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


def test_a_checkpoint_is_on_the_disk_before_it_has_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or a power cut could leave the name with nothing behind it; then the name itself."""
    fsync, replace, steps = os.fsync, Path.replace, []

    def note_fsync(handle: int) -> None:
        fsync(handle)
        status = os.fstat(handle)
        steps.append((status.st_ino, None if stat.S_ISDIR(status.st_mode) else status.st_size))

    def note_replace(self: Path, target: Path) -> Path:
        steps.append(target.name)
        return replace(self, target)

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note_replace)
    RunFolder(tmp_path).save_last(Position(), {"weights": torch.zeros(1000)})
    last = (tmp_path / "last.pt").stat()
    assert steps == [(last.st_ino, last.st_size), "last.pt", (tmp_path.stat().st_ino, None)]


def test_learning_rate_rises_then_falls() -> None:
    factors = [schedule(step, 10, 2) for step in range(10)]
    assert factors == [0.5, 1.0, 1.0, 0.875, 0.75, 0.625, 0.5, 0.375, 0.25, 0.125]


def test_a_kill_while_the_folder_is_made(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    expected, write = train(folder, "whole", epochs=1), RunFolder._write

    def write_and_die(self: RunFolder, name: str, what: Any) -> None:
        write(self, name, what)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(RunFolder, "_write", write_and_die)
        with pytest.raises(KeyboardInterrupt):
            train(folder, "killed", epochs=1)
    assert not RunFolder(folder / "killed").started
    assert train(folder, "killed", resume=True, epochs=1) == expected


def test_two_runs_do_not_share_a_folder(folder: Path) -> None:
    with (
        RunFolder(folder / "run").locked(),
        pytest.raises(TrainingError, match="another process trains there"),
    ):
        train(folder, "run", epochs=1)
    train(folder, "run", epochs=1)


def test_a_folder_that_cannot_be_written(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(BertConfig, "save_pretrained", full)
    with pytest.raises(TrainingError, match=r"run: cannot be written: .*No space left"):
        train(folder, "run")


@pytest.mark.parametrize("name", ["last.pt", "best.pt"])
def test_a_damaged_checkpoint_is_named(folder: Path, name: str) -> None:
    train(folder, "run", epochs=1)
    file, run = folder / "run" / name, RunFolder(folder / "run")
    for content in (file.read_bytes()[:500], b"garbage", b""):
        file.write_bytes(content)
        with pytest.raises(TrainingError, match=rf"{name}: damaged .* delete last\.pt"):
            run.load_last() if name == "last.pt" else run.load_best()


def test_more_tokens_than_the_encoder_takes(folder: Path) -> None:
    config = parse_config({**table(folder / "base"), "max_tokens": 64})
    with pytest.raises(TrainingConfigError, match=r"does not take 64 tokens .*; lower max_tokens \(64\)"):
        fit(config, folder / "data", folder / "run", resume=False, precision=FP32)


def test_a_tokeniser_of_another_checkpoint(folder: Path) -> None:
    other = write_checkpoint(folder / "other", [f"word{i}" for i in range(500)])
    shutil.copyfile(other / "tokenizer.json", folder / "base" / "tokenizer.json")
    with pytest.raises(
        TrainingConfigError, match=r"up to the id 503: .* the tokeniser that it was trained with"
    ):
        train(folder, "run")


def test_a_checkpoint_without_a_tokeniser(folder: Path) -> None:
    """For which transformers makes one that knows no word."""
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / "base" / name).unlink()
    with pytest.raises(TrainingError, match=r"has no vocabulary; is its tokenizer\.json missing"):
        train(folder, "run")


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("config.json", "[]"),
        ("config.json", '{"model_type": "bert", "hidden_size": "x"}'),
        ("tokenizer.json", "{}"),
        ("model.safetensors", "garbage"),
    ],
)
def test_a_checkpoint_with_an_odd_file(folder: Path, name: str, content: str) -> None:
    (folder / "base" / name).write_text(content)
    with pytest.raises(TrainingError, match=r"base_model .* cannot be loaded: ."):
        train(folder, "run")


def test_weights_that_are_no_pickle(folder: Path) -> None:
    (folder / "base" / "model.safetensors").unlink()
    (folder / "base" / "pytorch_model.bin").write_text("garbage")
    with pytest.raises(TrainingError, match=r"base_model .* cannot be loaded: ."):
        train(folder, "run")


def test_a_text_is_cut_as_in_serving(folder: Path) -> None:
    """What comes after so long a word is not read there."""
    _, tokenizer = new_network(parse_config(table(folder / "base")))
    text = "a" * 2000 + " soars on record profit"
    served = TextEncoder(tokenizer.to_str().encode(), 16, "tokenizer.json").encode([text])
    assert [list(row.tokens) for row in encode_texts([text], tokenizer)] == served
