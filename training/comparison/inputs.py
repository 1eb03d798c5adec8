"""The inputs of a comparison: evaluation sets by head, a model that fits them, and notes for the reader."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from models.manifest import Manifest, load_manifest, sha256_of
from training.comparison.cells import Tests
from training.config import TrainingConfig
from training.data.labelled import read_examples
from training.errors import TrainingConfigError


def read_tests(config: TrainingConfig, head: str, data: Path) -> Tests:
    """The evaluation sets of a head, joined.

    Raises:
        TrainingConfigError: there is none.
        TrainingError: a file is unusable.
    """
    texts: list[str] = []
    truth: list[int] = []
    sets: dict[str, slice] = {}
    for labelled in config.evaluation:
        if labelled.head == head:
            examples = read_examples(labelled, config.heads[head].label_mapping, data)
            sets[labelled.name] = slice(len(texts), len(texts) + len(examples))
            texts += [example.text for example in examples]
            truth += [config.heads[head].labels.index(example.label) for example in examples]
    if not texts:
        raise TrainingConfigError(
            f"heads.{head}: nothing to compare on; add an [[evaluation]] set for this head"
        )
    return Tests(tuple(texts), np.array(truth, np.int64), sets)


def fitting_model(config: TrainingConfig, model: Path) -> Manifest:
    """The manifest of an exported model with the heads and labels of the configuration.

    Raises:
        ModelError: the model cannot be loaded.
        TrainingConfigError: it has other heads or labels.
    """
    manifest = load_manifest(model)
    for name, head in config.heads.items():
        if name not in manifest.heads or manifest.heads[name].labels != head.labels:
            raise TrainingConfigError(
                f"--model {model}: it does not have heads.{name} with the labels of the configuration, in their "
                "order; give a model trained with it, or leave 100 out of --label-percents"
            )
    return manifest


def possibly_seen(
    config: TrainingConfig, manifest: Manifest, tests: Mapping[str, Tests], data: Path
) -> tuple[str, ...]:
    """Names of the evaluation sets whose texts the model may have been trained on, as far as its manifest shows.

    Texts were kept out of training where `export` evaluated the model on the same file and on as many of its rows;
    another number of rows is another part of the file.
    """
    kept_out = {(one.sha256, one.rows) for one in manifest.datasets if one.use == "validation"}
    seen = []
    for one in config.evaluation:
        rows = tests[one.head].sets[one.name]
        if (sha256_of(data / one.path), rows.stop - rows.start) not in kept_out:
            seen.append(one.name)
    return tuple(seen)


def notes(
    config: TrainingConfig, manifest: Manifest | None, label_percents: Sequence[float], seen: Sequence[str]
) -> tuple[str, ...]:
    """What makes the comparison less fair than it looks, in sentences.

    Args:
        manifest: of BERT with all labels, None where it is not part of the comparison.
        seen: the evaluation sets that this model was possibly trained on.
    """
    sentences = []
    if config.distillation is not None:
        sentences.append(
            "The configuration has a table [distillation]: it was not used; every training here learns from labels "
            "alone."
        )
    if manifest is not None:
        sentences.append(
            f"BERT with 100 % of the labels is the exported model {manifest.name!r}, seed {manifest.seed}, trained "
            "elsewhere: its training time and memory are not known here."
        )
        sentences += _trained_on_more(config, manifest)
    if seen:
        sentences.append(
            f"The manifest of that model does not show that the texts of {', '.join(seen)} were kept out of its "
            "training: its figures may be of texts that it has seen."
        )
    if any(percent < 100 for percent in label_percents):
        sentences.append(
            "BERT with fewer labels is fine-tuned here with the configuration's hyperparameters, which were not "
            "chosen for few labels."
        )
    return tuple(sentences)


def _trained_on_more(config: TrainingConfig, manifest: Manifest) -> list[str]:
    ours = {one.name for one in config.datasets}
    more = [one for one in manifest.datasets if one.use.startswith("train") and one.name not in ours]
    others = [
        f"{one.name} ({one.rows:,} texts{', unlabelled' * one.use.endswith('unlabelled')})" for one in more
    ]
    teachers = [f"{len(manifest.teachers)} teachers"] if manifest.teachers else []
    if not others and not teachers:
        return []
    return [
        f"That model was trained on more than the labels compared here: {', '.join([*teachers, *others])}."
    ]
