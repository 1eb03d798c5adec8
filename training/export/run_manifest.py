"""The manifest of an exported model: what its training runs recorded, and the figures of its evaluation sets."""

from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import onnxruntime

from models.manifest import Dataset, Head, Manifest, hash_files, sha256_of
from training.config import TrainingConfig
from training.evaluation.evaluate import Evaluation
from training.export.onnx_file import OPSET
from training.fit.run_folder import RunRecord

PACKAGES = ("bearwatch", "torch", "transformers", "tokenizers", "onnx", "onnxscript", "openvino")
FIGURES = ("accuracy", "macro_f1", "weighted_f1", "ece", "brier")


def new_manifest(record: RunRecord, runs: int, folder: Path, created: datetime) -> Manifest:
    """The manifest before calibration, parity and evaluation.

    Args:
        record: what the runs have in common.
        runs: how many runs' weights the model is the mean of.
        folder: the files of the artifact, which are hashed.
    """
    config = record.config
    return Manifest(
        name="-".join(config.heads),
        created=created,
        heads={name: Head(head.labels, f"{name}_logits") for name, head in config.heads.items()},
        max_tokens=config.max_tokens,
        base_model=config.base_model,
        pooling="mean",
        opset=OPSET,
        seed=config.seed,
        runs=runs,
        intended_use=config.intended_use,
        not_for=config.not_for,
        datasets=record.datasets,
        teachers=record.teachers,
        label_codes={name: head.label_mapping for name, head in config.heads.items()},
        versions={package: version(package) for package in PACKAGES}
        | {"onnxruntime": onnxruntime.__version__},
        files=hash_files(folder),
    )


def with_figures(
    manifest: Manifest, evaluations: Mapping[str, Evaluation], config: TrainingConfig, data: Path
) -> Manifest:
    """The manifest with the evaluation sets among its data sets, and their metrics.

    Args:
        evaluations: name of the evaluation set -> its evaluation.
        data: the folder that the paths of data sets are relative to.
    """
    validation = [
        Dataset(
            name=labelled.name,
            sha256=sha256_of(data / labelled.path),
            rows=evaluations[labelled.name].metrics.n,
            use="validation",
            licence=labelled.licence,
        )
        for labelled in config.evaluation
    ]
    figures = {name: _figures(each) for name, each in evaluations.items()}
    return msgspec.structs.replace(manifest, datasets=(*manifest.datasets, *validation), metrics=figures)


def _figures(evaluation: Evaluation) -> dict[str, float]:
    """The metrics of the whole set, and the ends of their 95 % intervals as `accuracy_low`, `accuracy_high` ..."""
    metrics = evaluation.metrics
    ends = {
        f"{name}_{end}": value
        for name, interval in evaluation.intervals.items()
        for end, value in zip(("low", "high"), interval, strict=True)
    }
    return {figure: getattr(metrics, figure) for figure in FIGURES} | {"n": metrics.n} | ends
