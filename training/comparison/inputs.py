"""What a comparison starts from: evaluation sets by head, a model that fits them, and what the reader must know."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from models.manifest import Manifest, load_manifest, sha256_of
from training.comparison.cells import Tests
from training.config import TrainingConfig
from training.data.labelled import read_examples
from training.errors import TrainingConfigError


def read_tests(config: TrainingConfig, head: str, data: Path) -> Tests:
    """The evaluation sets of a head.

    Raises TrainingConfigError where it has none, TrainingError for unusable files.
    """
    texts: list[str] = []
    truth: list[int] = []
    sets: dict[str, slice] = {}
    for labelled in config.evaluation:
        if labelled.head == head:
            examples = read_examples(labelled, config.heads[head].coding, data)
            sets[labelled.name] = slice(len(texts), len(texts) + len(examples))
            texts += [example.text for example in examples]
            truth += [config.heads[head].labels.index(example.label) for example in examples]
    if not texts:
        raise TrainingConfigError(
            f"heads.{head}: nothing to compare on; add an [[evaluation]] set for this head"
        )
    return Tests(tuple(texts), np.array(truth, np.int64), sets)


def fitting_model(config: TrainingConfig, model: Path) -> Manifest:
    """Of an exported model that answers what the configuration asks.

    Raises ModelError, or TrainingConfigError for a model of other heads or labels.
    """
    manifest = load_manifest(model)
    for name, head in config.heads.items():
        if name not in manifest.heads or manifest.heads[name].labels != head.labels:
            raise TrainingConfigError(
                f"--model {model}: it does not answer heads.{name} with the labels of the configuration, in their "
                "order; give a model trained with it, or leave 100 out of --shares"
            )
    return manifest


def perhaps_seen(
    config: TrainingConfig, manifest: Manifest, tests: Mapping[str, Tests], data: Path
) -> tuple[str, ...]:
    """The evaluation sets whose texts a model may have learnt from, as far as its manifest shows.

    It shows of a file that its texts were kept out where `export` has measured the model on it; as many rows of it, so
    that the set has no other share of the file.
    """
    kept_out = {(one.sha256, one.rows) for one in manifest.datasets if one.use == "validation"}
    found = []
    for one in config.evaluation:
        rows = tests[one.head].sets[one.name]
        if (sha256_of(data / one.path), rows.stop - rows.start) not in kept_out:
            found.append(one.name)
    return tuple(found)


def notes(
    config: TrainingConfig, manifest: Manifest | None, shares: Sequence[float], seen: Sequence[str]
) -> tuple[str, ...]:
    """Whatever makes the comparison less even than it looks.

    `manifest` of BERT with all labels, `seen` the evaluation sets that it has perhaps seen.
    """
    found = []
    if config.distillation is not None:
        found.append(
            "The configuration has a table [distillation]: it was left out, every training here learns from labels "
            "alone."
        )
    if manifest is not None:
        found.append(
            f"BERT with 100 % of the labels is the exported model {manifest.name!r}, seed {manifest.seed}, trained "
            "elsewhere: its training time and memory are not known here."
        )
        found += _learnt_more(config, manifest)
    if seen:
        found.append(
            f"The manifest of that model does not show that the texts of {', '.join(seen)} were kept out of its "
            "training: its figures may be of texts that it has seen."
        )
    if any(share < 100 for share in shares):
        found.append(
            "BERT with fewer labels is fine-tuned here with the configuration's hyperparameters as they stand, which "
            "were not chosen for few labels."
        )
    return tuple(found)


def _learnt_more(config: TrainingConfig, manifest: Manifest) -> list[str]:
    ours = {one.name for one in config.datasets}
    more = [one for one in manifest.datasets if one.use.startswith("train") and one.name not in ours]
    others = [
        f"{one.name} ({one.rows:,} texts{', unlabelled' * one.use.endswith('unlabelled')})" for one in more
    ]
    teachers = [f"{len(manifest.teachers)} teachers"] if manifest.teachers else []
    if not others and not teachers:
        return []
    return [
        f"That model has learnt from more than the labels compared here: {', '.join([*teachers, *others])}."
    ]
