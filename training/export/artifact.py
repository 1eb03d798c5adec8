"""Exports training runs as a model artifact: written to a temporary folder, checked, evaluated, then moved."""

import logging
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from models.classifier import Classifier, Probabilities
from models.engines import CPU, usable
from models.errors import CudaMissing, ModelError
from models.files import MODEL, TOKENIZER
from models.machine import this_machine
from models.manifest import Manifest, load_manifest, write_manifest
from training.config import TrainingConfig
from training.errors import TrainingError
from training.evaluation.calibration import calibrate
from training.evaluation.evaluate import Evaluation, evaluate
from training.export.averaging import common_record, load_mean
from training.export.card import write_card
from training.export.onnx_file import round_to_half, write_onnx
from training.export.output_folder import check_replaceable, replace_folder
from training.export.parity import check, compare, reference
from training.export.run_manifest import new_manifest, with_figures
from training.fit.network import encode, saved_network
from training.fit.run_folder import RunFolder, RunRecord, evaluation_files

log = logging.getLogger(__name__)


def export(runs: Sequence[Path], out: Path, data: Path | None, created: datetime) -> Manifest:
    """Export the best epoch of a run, or the mean of several runs' weights, into the folder `out`.

    An artifact that is already there is replaced.

    Args:
        runs: folders of training runs.
        data: where the configuration's evaluation sets are; the written artifact is evaluated on them and their
            metrics recorded. None: no evaluation.
        created: the time to record.

    Raises:
        TrainingError: a run is unusable, the model disagrees with the trained network, or a file cannot be written;
            then `out` is as it was.
    """
    check_replaceable(out)
    folders = [RunFolder(run) for run in runs]
    record = common_record(folders)
    if data is not None:
        _check_evaluation_files(record, data)
    try:
        return _export(folders, record, out, data, created)
    except OSError as error:
        raise TrainingError(f"{out}: cannot be written: {error.strerror or error}") from error


def _check_evaluation_files(record: RunRecord, data: Path) -> None:
    """Raises TrainingError for another file than the run knew: its texts may have been trained on."""
    for name, sha256 in evaluation_files(record.config, data).items():
        if sha256 != record.evaluation.get(name):
            raise TrainingError(
                f"the file of the evaluation set {name!r} in {data} is not the one whose texts were kept out "
                "of training"
            )


def _export(
    folders: Sequence[RunFolder], record: RunRecord, out: Path, data: Path | None, created: datetime
) -> Manifest:
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as temporary:
        unfinished = Path(temporary) / out.name
        unfinished.mkdir()
        classifier = _write_checked(folders, record, unfinished, created)
        manifest = classifier.manifest
        if data is not None:
            manifest = with_figures(
                manifest, evaluate_sets(classifier, record.config, data), record.config, data
            )
        write_card(unfinished, Classifier.open(unfinished, manifest, CPU))
        write_manifest(unfinished, manifest)  # last: without it, a killed export leaves nothing that loads
        load_manifest(unfinished)
        replace_folder(unfinished, out, Path(temporary) / "replaced")
    return manifest


def evaluate_sets(classifier: Classifier, config: TrainingConfig, data: Path) -> dict[str, Evaluation]:
    """Name of each evaluation set of the configuration -> its evaluation. Raises TrainingError."""
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
    """Write the files, compare every engine of this machine with the network, and calibrate; no manifest yet."""
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
    expected = reference(network, encoded)
    write_onnx(network, [f"{head}_logits" for head in config.heads], config.max_tokens, out / MODEL)
    shutil.copyfile(first.path / TOKENIZER, out / TOKENIZER)
    manifest = new_manifest(record, len(folders), out, created)
    predictions = _on_every_engine(out, manifest, texts)
    parity = {engine: check(engine, served, expected, texts) for engine, served in predictions.items()}
    parity["rounding"] = compare(dict(zip(config.heads, expected, strict=True)), unrounded)
    for engine, result in parity.items():
        log.info(
            "parity, %s: %d texts, %.2f %% of the labels agree, probabilities differ by at most %.1e",
            engine,
            result.texts,
            100 * result.agreement,
            result.max_difference,
        )
    heads = calibrate(manifest.heads, predictions[CPU], examples, config.calibration.abstain_accuracy)
    return Classifier.open(out, msgspec.structs.replace(manifest, heads=heads, parity=parity), CPU)


def _on_every_engine(
    folder: Path, manifest: Manifest, texts: Sequence[str]
) -> dict[str, Mapping[str, Probabilities]]:
    """Engine -> its predictions. A GPU without CUDA's libraries counts as one that this machine does not have."""
    predictions: dict[str, Mapping[str, Probabilities]] = {}
    for engine in usable(this_machine()):
        try:
            classifier = Classifier.open(folder, manifest, engine)
        except ModelError as error:
            if not isinstance(error.__cause__, CudaMissing):
                raise
            log.warning("not checked: %s", error)
        else:
            predictions[engine] = classifier.probabilities(texts)
    return predictions
