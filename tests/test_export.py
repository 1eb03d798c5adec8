"""From training through export to evaluation; an artifact that disagrees with its network is not written."""

import json
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import onnx
import pytest
from click.testing import CliRunner
from onnx import numpy_helper
from tiny_training import SENTIMENT, rows_of, table, write_checkpoint, write_data

import training.export
from bearwatch.commands.evaluate import command as evaluate_command
from models.classifier import Classifier
from models.manifest import load_manifest
from training.config import parse_config
from training.errors import TrainingError
from training.export import export
from training.fit import fit
from training.onnx_file import write_onnx
from training.precision import Precision

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`data` and a finished `run`."""
    folder = tmp_path_factory.mktemp("export")
    write_checkpoint(folder / "base")
    write_data(folder / "data")
    (folder / "data" / "check.csv").write_text(
        "text,label\nBanyard faces a fraud probe,0\nBanyard soars on record profit,1\n"
    )
    evaluation = [{"name": "check", "path": "check.csv", "head": "sentiment"}]
    config = parse_config({**table(folder / "base", epochs=4), "evaluation": evaluation})
    fit(config, folder / "data", folder / "run", resume=False, precision=Precision("cpu", None))
    return folder


def test_train_export_classify_evaluate(folder: Path) -> None:
    manifest = export(folder / "run", folder / "model", folder / "data", NOW)
    assert load_manifest(folder / "model") == manifest
    assert manifest.label_codes["sentiment"]["1"] == "positive"
    assert [(d.name, d.use) for d in manifest.datasets][-1] == ("check", "validation")
    assert manifest.metrics["check"]["n"] == 2
    scored = Classifier.load(folder / "model").classify(
        ["Hexby soars on record profit", "Hexby finds gas offshore"]
    )
    assert scored[0]["sentiment"].label == "positive"
    assert scored[1]["topic"].label == "Oil"
    arguments = ["--model", str(folder / "model"), "--data", str(folder / "data" / "sentiment.csv"), "--json"]
    arguments += ["--task", "sentiment", "--text", "headline", "--label", "label"]
    result = CliRunner().invoke(evaluate_command, arguments, catch_exceptions=False)
    figures = json.loads(result.stdout)
    assert figures["n"] == len(rows_of(SENTIMENT))
    assert figures["accuracy"] > 0.9


def test_matrices_are_stored_as_half(folder: Path) -> None:
    export(folder / "run", folder / "half", None, NOW)
    stored = onnx.load(folder / "half" / "model.onnx").graph.initializer
    kinds = {s.data_type for s in stored if len(s.dims) >= 2 and s.data_type != onnx.TensorProto.INT64}
    assert kinds == {onnx.TensorProto.FLOAT16}


def test_export_replaces_an_artifact_and_nothing_else(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "model"
    export(folder / "run", out, None, NOW)
    export(folder / "run", out, None, NOW.replace(year=2027))
    assert load_manifest(out).created.year == 2027
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    with pytest.raises(TrainingError, match="no model artifact"):
        export(folder / "run", folder / "data", None, NOW)


def test_one_changed_weight_is_refused(folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "model"
    export(folder / "run", out, None, NOW)
    before = load_manifest(out)

    def write_damaged(network: object, outputs: list[str], max_tokens: int, path: Path) -> None:
        write_onnx(network, outputs, max_tokens, path)  # type: ignore[arg-type]
        model = onnx.load(path)
        weight = next(w for w in model.graph.initializer if list(w.dims) in ([2, 32], [32, 2]))
        values = numpy_helper.to_array(weight).copy()
        values.flat[0] += np.float16(0.25)
        weight.CopyFrom(numpy_helper.from_array(values, weight.name))
        onnx.save(model, path)

    monkeypatch.setattr(training.export, "write_onnx", write_damaged)
    with pytest.raises(TrainingError, match="disagrees with the trained one"):
        export(folder / "run", out, None, NOW)
    assert load_manifest(out) == before
    assert [path.name for path in tmp_path.iterdir()] == ["model"]


def test_run_that_is_none(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="holds no training run"):
        export(tmp_path, tmp_path / "model", None, NOW)
