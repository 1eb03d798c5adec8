"""Compares traditional classifiers with the fine-tuned BERT.

With each percentage of the labels, every method gets the same training texts, dev split and evaluation sets. The
result of each cell is stored in `cells/`, so an interrupted comparison continues, and one with more percentages adds
to it.
"""

from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import version
from pathlib import Path

import msgspec
import onnxruntime

from models.machine import usable_cpus
from models.manifest import model_hash
from training.comparison.answer import Answer, answer
from training.comparison.cells import BERT, SIMPLE, About, Cell, Result, Split, Task
from training.comparison.folder import locked_folder, run_cells
from training.comparison.inputs import fitting_model, notes, possibly_seen, read_tests
from training.comparison.subsets import lost, subset
from training.config import Tracking, TrainingConfig
from training.data.corpus import Corpus, read_corpus

PACKAGES = ("bearwatch", "scikit-learn", "torch", "transformers")


class Comparison(msgspec.Struct, frozen=True):
    """The whole result: how it was made, the size of each split, the result of each cell, the answer for each head."""

    about: About
    splits: tuple[Split, ...]
    cells: tuple[Result, ...]
    answers: tuple[Answer, ...]


def compare(
    requested: TrainingConfig,
    data: Path,
    out: Path,
    *,
    name: str,
    model: Path,
    label_percents: Sequence[float],
    created: datetime,
) -> Comparison:
    """Run every cell whose result is not stored yet, and answer for each head when a simple classifier is enough.

    Args:
        requested: the configuration; its [distillation] and [tracking] are left out.
        data: the folder that the paths of data sets are relative to.
        out: the folder of the comparison.
        name: of the configuration, for the report.
        model: an exported model, used as BERT with all labels where 100 is among the percentages.
        label_percents: percentages of the labels to train with.

    Raises:
        TrainingConfigError: the percentages, the evaluation sets or the model do not fit the configuration.
        TrainingError, ModelError: unusable data or model, or a cell that failed.
    """
    config = msgspec.structs.replace(requested, distillation=None, tracking=Tracking())
    manifest = fitting_model(config, model) if 100 in label_percents else None
    exported = model_hash(manifest) if manifest else None
    tests = {head: read_tests(config, head, data) for head in config.heads}
    corpus = read_corpus(config, data)
    parts = {percent: subset(corpus, config, percent) for percent in label_percents}
    task = Task(config, corpus, tests, data, model, out / "scratch", created)
    with locked_folder(out, task):
        results = run_cells(plan(config, label_percents, exported), task, parts, out)
    splits = tuple(
        _split(config, head, percent, parts[percent]) for head in config.heads for percent in label_percents
    )
    about = About(
        configuration=name,
        base_model=config.base_model,
        seed=config.seed,
        created=created,
        model=f"{manifest.name} {exported}" if manifest else None,
        cpus=usable_cpus(),
        versions={package: version(package) for package in PACKAGES}
        | {"onnxruntime": onnxruntime.__version__},
        notes=notes(
            requested,
            manifest,
            label_percents,
            possibly_seen(config, manifest, tests, data) if manifest else (),
        ),
    )
    answers = tuple(answer(head, splits, results, config.seed) for head in config.heads)
    return Comparison(about, splits, tuple(results), answers)


def plan(config: TrainingConfig, label_percents: Sequence[float], model: str | None) -> list[Cell]:
    """All cells, the quick ones first, so that a mistake shows early. `model`: hash of BERT with all labels."""
    simple = [
        Cell(method, percent, head)
        for percent in label_percents
        for head in config.heads
        for method in SIMPLE
    ]
    return [
        *simple,
        *(Cell(BERT, percent, None, model if percent == 100 else None) for percent in label_percents),
    ]


def _split(config: TrainingConfig, head: str, label_percent: float, part: Corpus) -> Split:
    train, dev = (sum(each.head == head for each in examples) for examples in (part.train, part.dev))
    return Split(head, label_percent, train, dev, lost(part.train, config, head))
