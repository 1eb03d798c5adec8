"""From a training run to the artifact that serves: written aside, checked, measured, then moved into place."""

import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import onnxruntime

from models.classifier import Classifier, Probabilities
from models.engines import CPU, usable
from models.errors import CudaMissing, ModelError
from models.machine import this_machine
from models.manifest import (
    MANIFEST,
    MODEL,
    TOKENIZER,
    Dataset,
    Head,
    Manifest,
    hash_files,
    load_manifest,
    sha256_of,
    write_manifest,
)
from training.config import TrainingConfig
from training.errors import TrainingError
from training.evaluation.calibration import calibrated
from training.evaluation.evaluate import Evaluation, evaluate
from training.export.averaging import common_record, load_mean
from training.export.card import CARD, write_card
from training.export.onnx_file import OPSET, round_to_half, write_onnx
from training.export.parity import check, compare, reference
from training.fit.network import encode, saved_network
from training.fit.run_folder import RunFolder, RunRecord, evaluation_files

log = logging.getLogger(__name__)

PACKAGES = ("bearwatch", "torch", "transformers", "tokenizers", "onnx", "onnxscript", "openvino")
FIGURES = ("accuracy", "macro_f1", "weighted_f1", "ece", "brier")


def export(runs: Sequence[Path], out: Path, data: Path | None, created: datetime) -> Manifest:
    """Export the best epoch of a run, or the mean of several runs' weights, into the folder `out`.

    An artifact that is there is replaced. With `data` the configuration's evaluation sets are measured on the written
    artifact and their figures recorded. Raises TrainingError, and then leaves `out` as it was.
    """
    _check_replaceable(out)
    folders = [RunFolder(run) for run in runs]
    record = common_record(folders)
    if data is not None:
        _check_evaluation_files(record, data)
    try:
        return _export(folders, record, out, data, created)
    except OSError as error:
        raise TrainingError(f"{out}: cannot be written: {error}") from error


def _check_replaceable(out: Path) -> None:
    """What is there will be gone: an artifact may be, and nothing else."""
    if out.resolve() in (here := Path.cwd(), *here.parents):
        raise TrainingError(
            f"{out} holds the current folder, which cannot be replaced; choose another folder"
        )
    if not out.exists():
        return
    if not (out / MANIFEST).exists() and (out.is_file() or any(out.iterdir())):
        raise TrainingError(f"{out} is not empty and no model artifact; choose another folder")
    if others := {path.name for path in out.iterdir()} - {MANIFEST, MODEL, TOKENIZER, CARD}:
        raise TrainingError(
            f"{out} holds {min(others)!r} beside a model artifact, and would be replaced as a whole; move it away, or "
            "choose another folder"
        )


def _check_evaluation_files(record: RunRecord, data: Path) -> None:
    """Figures of other files would be of texts that may have been trained on."""
    for name, found in evaluation_files(record.config, data).items():
        if found != record.evaluation.get(name):
            raise TrainingError(
                f"the file of the evaluation set {name!r} in {data} is not the one whose texts were kept out "
                "of training"
            )


def _export(
    folders: Sequence[RunFolder], record: RunRecord, out: Path, data: Path | None, created: datetime
) -> Manifest:
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as aside:
        unfinished = Path(aside) / out.name
        unfinished.mkdir()
        classifier = _write_checked(folders, record, unfinished, created)
        manifest = classifier.manifest
        if data is not None:
            manifest = _with_figures(manifest, measured(classifier, record.config, data), record.config, data)
        write_card(unfinished, Classifier.open(unfinished, manifest, CPU))
        write_manifest(unfinished, manifest)  # last: what a kill leaves before does not load
        load_manifest(unfinished)
        _put_in_place(unfinished, out, Path(aside) / "replaced")
    return manifest


def _put_in_place(made: Path, out: Path, replaced: Path) -> None:
    """By renaming, which is whole or not at all; what was there comes back unless both steps are done."""
    try:
        if out.exists():
            out.rename(replaced)
        made.rename(out)
    except BaseException:  # Ctrl-C as well, after either step too
        if replaced.exists() and not out.exists():
            replaced.rename(out)
        raise


def measured(classifier: Classifier, config: TrainingConfig, data: Path) -> dict[str, Evaluation]:
    """Every evaluation set of the configuration -> what the artifact makes of it."""
    results = {}
    for labelled in config.evaluation:
        evaluation = results[labelled.name] = evaluate(classifier, labelled, data)
        metrics = evaluation.metrics
        log.info(
            "%s: accuracy %.4f, macro-F1 %.4f (n = %d)",
            labelled.name,
            metrics.accuracy,
            metrics.macro_f1,
            metrics.n,
        )
    return results


def _write_checked(
    folders: Sequence[RunFolder], record: RunRecord, out: Path, created: datetime
) -> Classifier:
    """Write the files, hold every engine of this machine against the network, and calibrate; no manifest yet."""
    config, first = record.config, folders[0]
    network, tokenizer = saved_network(first.path, config)
    examples = first.dev_examples()
    texts, encoded = [each.text for each in examples], encode(examples, tokenizer, config)
    if len(folders) > 1:
        load_mean(network, folders, encoded)
    else:
        network.load_state_dict(first.load_best())
    unrounded = reference(network, encoded)
    round_to_half(network)
    wanted = reference(network, encoded)
    write_onnx(network, [f"{head}_logits" for head in config.heads], config.max_tokens, out / MODEL)
    shutil.copyfile(first.path / TOKENIZER, out / TOKENIZER)
    manifest = _manifest(record, len(folders), out, created)
    said = _on_every_engine(out, manifest, texts)
    parity = {engine: check(engine, served, wanted, texts) for engine, served in said.items()}
    parity["rounding"] = compare(dict(zip(config.heads, wanted, strict=True)), unrounded)
    for engine, found in parity.items():
        log.info(
            "parity, %s: %d texts, %.2f %% of the labels agree, probabilities differ by at most %.1e",
            engine,
            found.texts,
            100 * found.agreement,
            found.max_difference,
        )
    heads = calibrated(manifest.heads, said[CPU], examples, config.calibration.abstain_accuracy)
    return Classifier.open(out, msgspec.structs.replace(manifest, heads=heads, parity=parity), CPU)


def _on_every_engine(
    folder: Path, manifest: Manifest, texts: Sequence[str]
) -> dict[str, Mapping[str, Probabilities]]:
    """Engine -> what it says; a GPU without CUDA's libraries is one that this machine does not have."""
    said: dict[str, Mapping[str, Probabilities]] = {}
    for engine in usable(this_machine()):
        try:
            classifier = Classifier.open(folder, manifest, engine)
        except ModelError as error:
            if not isinstance(error.__cause__, CudaMissing):
                raise
            log.warning("not checked: %s", error)
        else:
            said[engine] = classifier.probabilities(texts)
    return said


def _manifest(record: RunRecord, runs: int, folder: Path, created: datetime) -> Manifest:
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
        label_codes={name: head.coding for name, head in config.heads.items()},
        versions={package: version(package) for package in PACKAGES}
        | {"onnxruntime": onnxruntime.__version__},
        files=hash_files(folder),
    )


def _with_figures(
    manifest: Manifest, results: dict[str, Evaluation], config: TrainingConfig, data: Path
) -> Manifest:
    tested: Sequence[Dataset] = [
        Dataset(one.name, sha256_of(data / one.path), results[one.name].metrics.n, "validation", one.licence)
        for one in config.evaluation
    ]
    figures = {name: _figures(each) for name, each in results.items()}
    return msgspec.structs.replace(manifest, datasets=(*manifest.datasets, *tested), metrics=figures)


def _figures(evaluation: Evaluation) -> dict[str, float]:
    """The figures of the whole set, and the ends of their 95 % intervals as `accuracy_low`, `accuracy_high` ..."""
    metrics = evaluation.metrics
    ends = {
        f"{name}_{end}": value
        for name, interval in evaluation.intervals.items()
        for end, value in zip(("low", "high"), interval, strict=True)
    }
    return {figure: getattr(metrics, figure) for figure in FIGURES} | {"n": metrics.n} | ends
