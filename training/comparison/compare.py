"""Traditional classifiers against the fine-tuned BERT.

Every method gets the same training texts and dev split, by share of the labels, and the same evaluation sets. What a
cell found is kept in `cells/`, so an interrupted comparison goes on, and one with more shares adds to it.
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
from training.comparison.folder import claimed, fill_in
from training.comparison.inputs import fitting_model, notes, perhaps_seen, read_tests
from training.comparison.subsets import lost, subset
from training.config import Tracking, TrainingConfig
from training.data.corpus import Corpus, read_corpus

PACKAGES = ("bearwatch", "scikit-learn", "torch", "transformers")


class Comparison(msgspec.Struct, frozen=True):
    """Everything that was found."""

    about: About
    splits: tuple[Split, ...]
    cells: tuple[Result, ...]
    answers: tuple[Answer, ...]


def compare(
    asked: TrainingConfig,
    data: Path,
    out: Path,
    *,
    name: str,
    model: Path,
    shares: Sequence[float],
    created: datetime,
) -> Comparison:
    """Fill in every cell and answer.

    Args:
        asked: the configuration; its [distillation] and [tracking] are left out.
        name: of the configuration, for the report.
        model: BERT with all labels, an exported model; used where 100 is among the shares.
        shares: of the labels, in per cent.

    Raises:
        TrainingConfigError: the shares, the evaluation sets or the model do not fit the configuration.
        TrainingError, ModelError: unusable data or model, or a cell that failed.
    """
    config = msgspec.structs.replace(asked, distillation=None, tracking=Tracking())
    manifest = fitting_model(config, model) if 100 in shares else None
    exported = model_hash(manifest) if manifest else None
    tests = {head: read_tests(config, head, data) for head in config.heads}
    corpus = read_corpus(config, data)
    parts = {share: subset(corpus, config, share) for share in shares}
    task = Task(config, corpus, tests, data, model, out / "scratch", created)
    with claimed(out, task):
        results = fill_in(plan(config, shares, exported), task, parts, out)
    splits = tuple(_split(config, head, share, parts[share]) for head in config.heads for share in shares)
    about = About(
        configuration=name,
        base_model=config.base_model,
        seed=config.seed,
        created=created,
        model=f"{manifest.name} {exported}" if manifest else None,
        cpus=usable_cpus(),
        versions={package: version(package) for package in PACKAGES}
        | {"onnxruntime": onnxruntime.__version__},
        notes=notes(asked, manifest, shares, perhaps_seen(config, manifest, tests, data) if manifest else ()),
    )
    answers = tuple(answer(head, splits, results, config.seed) for head in config.heads)
    return Comparison(about, splits, tuple(results), answers)


def plan(config: TrainingConfig, shares: Sequence[float], model: str | None) -> list[Cell]:
    """The quick cells first, so that a mistake shows early; `model`: hash of BERT with all labels."""
    simple = [Cell(method, share, head) for share in shares for head in config.heads for method in SIMPLE]
    return [*simple, *(Cell(BERT, share, None, model if share == 100 else None) for share in shares)]


def _split(config: TrainingConfig, head: str, share: float, part: Corpus) -> Split:
    train, dev = (sum(each.head == head for each in examples) for examples in (part.train, part.dev))
    return Split(head, share, train, dev, lost(part.train, config, head))
