"""From training through export to evaluation; an artifact that disagrees with its network is not written."""

import json
import shutil
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper
from tiny_training import SENTIMENT, rows_of, table, write_checkpoint, write_data

import models.engines
import training.export.artifact
from bearwatch.commands.evaluate import command as evaluate_command
from models.classifier import Classifier
from models.engines import CPU, CUDA
from models.errors import ModelError
from models.files import MANIFEST, MODEL
from models.machine import this_machine
from models.manifest import load_manifest
from training.config_file import parse_config
from training.errors import TrainingError
from training.export.artifact import export
from training.export.card import CARD
from training.fit.precision import Precision
from training.fit.training_run import fit

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CHECK = "text,label\nBanyard faces a fraud probe,0\nBanyard soars on record profit,1\n"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`data`, a finished `run`, and the `model` exported from it."""
    folder = tmp_path_factory.mktemp("export")
    write_checkpoint(folder / "base")
    write_data(folder / "data")
    (folder / "data" / "check.csv").write_text(CHECK)
    evaluation = [{"name": "check", "path": "check.csv", "head": "sentiment", "licence": "CC0"}]
    config = parse_config({**table(folder / "base", epochs=4), "evaluation": evaluation})
    fit(config, folder / "data", folder / "run", resume=False, precision=Precision("cpu", None))
    export([folder / "run"], folder / "model", folder / "data", NOW)
    return folder


@pytest.fixture
def exporter_writes(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Make the exporter, which is slow, write a given graph instead."""

    def write(graph: Path) -> None:
        def write_onnx(network: Any, outputs: list[str], max_tokens: int, path: Path) -> None:
            shutil.copyfile(graph, path)

        monkeypatch.setattr(training.export.artifact, "write_onnx", write_onnx)

    return write


def test_manifest(folder: Path) -> None:
    manifest = load_manifest(folder / "model")
    assert manifest.heads["sentiment"].labels == ("negative", "neutral", "positive")
    assert manifest.label_codes["sentiment"]["1"] == "positive"
    assert [(d.name, d.use) for d in manifest.datasets] == [
        ("sentiment", "train"),
        ("topic", "train"),
        ("check", "validation"),
    ]
    assert manifest.datasets[2].licence == "CC0"
    figures = manifest.metrics["check"]
    assert (figures["accuracy"], figures["accuracy_low"], figures["n"]) == (1.0, 1.0, 2)
    assert figures["ece_low"] <= figures["ece_high"] < 1 and figures["brier"] < 1
    assert "| check | 2 | 1.0000 (1.000 to 1.000) |" in (folder / "model" / CARD).read_text("utf-8")
    assert manifest.created == NOW
    assert {"onnxruntime-cpu", "openvino-fp32", "rounding"} <= manifest.parity.keys()
    assert manifest.parity["onnxruntime-cpu"].agreement == 1.0
    assert {"onnxruntime", "openvino", "torch"} <= manifest.versions.keys()
    assert manifest.heads["sentiment"].temperature != 1.0


def test_exported_model_classifies_and_is_evaluated(folder: Path) -> None:
    texts = ["Hexby soars on record profit", "Hexby finds gas offshore"]
    up, oil = Classifier.load(folder / "model").classify(texts)
    assert up.predictions["sentiment"].label == "positive"
    assert oil.predictions["topic"].label == "Oil"
    arguments = ["--model", str(folder / "model"), "--data", str(folder / "data" / "sentiment.csv"), "--json"]
    arguments += ["--task", "sentiment", "--text", "headline", "--label", "label"]
    figures = json.loads(CliRunner().invoke(evaluate_command, arguments, catch_exceptions=False).stdout)
    assert figures["n"] == len(rows_of(SENTIMENT))
    assert figures["accuracy"] > 0.9  # the file's numbers are in another order than the labels


def test_matrices_are_stored_as_half(folder: Path) -> None:
    stored = onnx.load(folder / "model" / MODEL).graph.initializer
    kinds = {s.data_type for s in stored if len(s.dims) >= 2 and s.data_type != onnx.TensorProto.INT64}
    assert kinds == {onnx.TensorProto.FLOAT16}


def test_no_path_of_this_machine_in_the_artifact(folder: Path) -> None:
    for file in (folder / "model").iterdir():
        for place in (
            Path(training.export.artifact.__file__).parent,
            Path(onnx.__file__).parent.parent,
            folder / "run",
        ):
            assert str(place).encode() not in file.read_bytes()


def test_one_changed_weight_is_refused(
    folder: Path, tmp_path: Path, exporter_writes: Callable[[Path], None]
) -> None:
    graph = onnx.load(folder / "model" / MODEL)
    weight = next(w for w in graph.graph.initializer if list(w.dims) in ([2, 32], [32, 2]))
    values = numpy_helper.to_array(weight).copy()
    values.flat[0] += np.float16(0.25)
    weight.CopyFrom(numpy_helper.from_array(values, weight.name))
    onnx.save(graph, folder / "damaged.onnx")
    exporter_writes(folder / "damaged.onnx")
    out = tmp_path / "model"
    shutil.copytree(folder / "model", out)
    with pytest.raises(TrainingError, match="disagrees with the trained one"):
        export([folder / "run"], out, None, NOW.replace(year=2027))
    assert load_manifest(out) == load_manifest(folder / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_export_replaces_an_artifact_and_nothing_else(
    folder: Path, tmp_path: Path, exporter_writes: Callable[[Path], None]
) -> None:
    exporter_writes(folder / "model" / MODEL)
    out = tmp_path / "model"
    shutil.copytree(folder / "model", out)
    export([folder / "run"], out, None, NOW.replace(year=2027))
    assert load_manifest(out).created.year == 2027
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    with pytest.raises(TrainingError, match="not a model artifact"):
        export([folder / "run"], folder / "data", None, NOW)
    assert (folder / "data" / "check.csv").exists()


def test_run_that_is_none(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="does not contain a training run"):
        export([tmp_path], tmp_path / "model", None, NOW)
    shutil.copytree(folder / "run", tmp_path / "run", ignore=shutil.ignore_patterns("best.pt"))
    with pytest.raises(TrainingError, match="no epoch is finished"):
        export([tmp_path / "run"], tmp_path / "model", None, NOW)
    assert not (tmp_path / "model").exists()


def test_what_is_not_of_the_artifact_is_not_deleted_with_it(folder: Path, tmp_path: Path) -> None:
    """Such as the run itself."""
    out = tmp_path / "model"
    shutil.copytree(folder / "model", out)
    shutil.copytree(folder / "run", out / "run")
    with pytest.raises(TrainingError, match="contains 'run' next to a model artifact, and would be replaced"):
        export([out / "run"], out, None, NOW)
    assert (out / "run" / "best.pt").exists()


def test_the_current_folder_is_not_replaced(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(TrainingError, match="contains the current folder"):
        export([folder / "run"], Path(), None, NOW)


@pytest.mark.parametrize("failure", [KeyboardInterrupt(), OSError(39, "Directory not empty")])
def test_what_cannot_be_put_in_place_leaves_what_was_there(
    folder: Path,
    tmp_path: Path,
    exporter_writes: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    failure: BaseException,
) -> None:
    """Stopped between the two steps."""
    exporter_writes(folder / "model" / MODEL)
    out = Path(shutil.copytree(folder / "model", tmp_path / "model"))
    before, rename = load_manifest(out), Path.rename

    def stop_at_the_second(self: Path, target: Path) -> Path:
        if target == out and self.name != "replaced":
            raise failure
        return rename(self, target)

    monkeypatch.setattr(Path, "rename", stop_at_the_second)
    with pytest.raises((KeyboardInterrupt, TrainingError)):
        export([folder / "run"], out, None, NOW)
    assert load_manifest(out) == before
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize(("step", "year"), [("replaced", NOW.year), ("model", 2027)])
def test_an_interrupt_after_a_step_loses_no_artifact(
    folder: Path,
    tmp_path: Path,
    exporter_writes: Callable[[Path], None],
    monkeypatch: pytest.MonkeyPatch,
    step: str,
    year: int,
) -> None:
    """After the first the former one comes back, after the second the new one stays."""
    exporter_writes(folder / "model" / MODEL)
    out = Path(shutil.copytree(folder / "model", tmp_path / "model"))
    rename, interrupts = Path.rename, iter([KeyboardInterrupt])

    def rename_and_stop(self: Path, target: Path) -> None:
        rename(self, target)
        if target.name == step:
            raise next(interrupts)

    monkeypatch.setattr(Path, "rename", rename_and_stop)
    with pytest.raises(KeyboardInterrupt):
        export([folder / "run"], out, None, NOW.replace(year=2027))
    assert load_manifest(out).created.year == year
    assert [each.name for each in tmp_path.iterdir()] == ["model"]


def test_nothing_loads_before_all_is_checked(
    folder: Path, tmp_path: Path, exporter_writes: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a kill leaves it at each of the steps after the files are written."""
    exporter_writes(folder / "model" / MODEL)
    seen = []
    for step in ("check", "calibrate", "evaluate_sets", "write_card"):
        done = getattr(training.export.artifact, step)

        def look(*arguments: Any, done: Callable[..., Any] = done) -> Any:
            seen.extend(tmp_path.rglob(MODEL))
            assert not list(tmp_path.rglob(MANIFEST))
            return done(*arguments)

        monkeypatch.setattr(training.export.artifact, step, look)
    export([folder / "run"], tmp_path / "model", folder / "data", NOW)
    assert len(seen) >= 4
    assert load_manifest(tmp_path / "model").parity


@pytest.mark.skipif(this_machine().gpu, reason="the GPU here would work")
def test_a_gpu_without_its_libraries_is_left_out(
    folder: Path, tmp_path: Path, exporter_writes: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter_writes(folder / "model" / MODEL)
    monkeypatch.setattr(training.export.artifact, "usable", lambda _: [CPU, CUDA])
    parity = export([folder / "run"], tmp_path / "model", None, NOW).parity
    assert set(parity) == {CPU, "rounding"}


def test_a_gpu_that_fails_otherwise_is_no_reason_to_skip_it(
    folder: Path, tmp_path: Path, exporter_writes: Callable[[Path], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: Any) -> None:
        raise RuntimeError("out of memory")

    exporter_writes(folder / "model" / MODEL)
    monkeypatch.setattr(training.export.artifact, "usable", lambda _: [CPU, CUDA])
    monkeypatch.setattr(models.engines, "_onnxruntime_cuda", fail)
    with pytest.raises(ModelError, match="out of memory"):
        export([folder / "run"], tmp_path / "model", None, NOW)


def test_other_evaluation_files_are_refused(folder: Path, tmp_path: Path) -> None:
    shutil.copytree(folder / "data", tmp_path / "data")
    (tmp_path / "data" / "check.csv").write_text(CHECK + "Norwick holds its annual meeting,2\n")
    with pytest.raises(TrainingError, match=r"'check' in .* is not the one whose texts were kept out"):
        export([folder / "run"], tmp_path / "model", tmp_path / "data", NOW)


def test_full_disk_leaves_the_artifact_as_it_was(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    out = tmp_path / "model"
    shutil.copytree(folder / "model", out)
    monkeypatch.setattr(training.export.artifact, "write_onnx", full)
    with pytest.raises(TrainingError, match=r"model: cannot be written: .*No space left"):
        export([folder / "run"], out, None, NOW)
    assert load_manifest(out) == load_manifest(folder / "model")
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


@pytest.mark.parametrize("name", ["encoder", "tokenizer.json", "dev.jsonl"])
def test_a_run_that_has_lost_a_file(folder: Path, tmp_path: Path, name: str) -> None:
    shutil.copytree(folder / "run", tmp_path / "run", ignore=shutil.ignore_patterns(name))
    with pytest.raises(TrainingError, match=rf"{name}.* missing or damaged"):
        export([tmp_path / "run"], tmp_path / "model", None, NOW)
