"""Evaluates a model artifact on labelled data, with the same classifier that serves."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bearwatch.core.nearest import nearest
from models.classifier import Classifier, Probabilities
from training.config import Head, LabelledSet
from training.data.labelled import numbered_examples
from training.data.table_files import read_columns
from training.errors import TrainingConfigError
from training.evaluation.intervals import Interval, bootstrap
from training.evaluation.metrics import Metrics, ReliabilityBin, measure, reliability
from training.evaluation.slices import Slice, groups, slices

MAX_ERRORS = 20  # the most confident ones
SEED = 1


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """An error of the model. `row` of the file, counted from 0; `probability` of the predicted label."""

    row: int
    text: str
    truth: str
    predicted: str
    probability: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The result. `intervals`: metric -> 95 % interval. `errors`: the wrong answers, the most confident first."""

    metrics: Metrics
    intervals: dict[str, Interval]
    slices: tuple[Slice, ...]
    errors: tuple[WrongAnswer, ...]
    reliability: tuple[ReliabilityBin, ...]

    def as_table(self) -> dict[str, Any]:
        """The evaluation for JSON: the metrics and the other fields on one level."""
        table = asdict(self)
        metrics: dict[str, Any] = table.pop("metrics")
        return metrics | table


def evaluate(
    classifier: Classifier,
    labelled: LabelledSet,
    folder: Path,
    *,
    by: Sequence[str] = (),
    max_errors: int = MAX_ERRORS,
    seed: int = SEED,
) -> Evaluation:
    """Evaluate one head on one labelled set.

    Raw labels of the file are mapped to labels as in the files the model was trained on (the manifest's
    `label_codes`), with the set's own `label_mapping` before that.

    Args:
        folder: what the path of the set is relative to.
        by: columns of the file to slice by.
        max_errors: how many wrong answers to keep.
        seed: of the bootstrap.

    Raises:
        TrainingConfigError: the model does not have the head or a label of the set.
        TrainingError: the file is unusable.
    """
    labels = _labels(classifier, labelled)
    mapping = classifier.manifest.label_codes.get(labelled.head) or Head(labels=labels).label_mapping
    examples = numbered_examples(labelled, mapping, folder)
    rows, texts = list(examples), [example.text for example in examples.values()]
    columns = _columns(labelled, by, folder, rows)
    truth = np.array([labels.index(example.label) for example in examples.values()])
    probabilities = classifier.probabilities(texts)[labelled.head]  # (n, n_labels)
    correct, confidence = probabilities.argmax(1) == truth, probabilities.max(1)
    return Evaluation(
        measure(labels, truth, probabilities),
        bootstrap(truth, probabilities, seed),
        slices(labels, truth, probabilities, groups(texts, columns)),
        _errors(labels, truth, probabilities, rows, texts)[:max_errors],
        reliability(correct, confidence),
    )


def _labels(classifier: Classifier, labelled: LabelledSet) -> tuple[str, ...]:
    """The labels of the set's head. Raises TrainingConfigError."""
    heads = classifier.manifest.heads
    if labelled.head not in heads:
        raise TrainingConfigError(
            f"no head {labelled.head!r}; the nearest one of this model is {nearest(labelled.head, heads)!r}"
        )
    labels = heads[labelled.head].labels
    for label in labelled.label_mapping.values():
        if label not in labels:
            raise TrainingConfigError(
                f"{labelled.head} has no label {label!r}; the nearest one is {nearest(label, labels)!r}"
            )
    return labels


def _columns(
    labelled: LabelledSet, names: Sequence[str], folder: Path, rows: Sequence[int]
) -> dict[str, list[str]]:
    """Column -> its values in the given rows."""
    if not names:
        return {}
    unique = list(dict.fromkeys(names))
    columns = read_columns(folder / labelled.path, unique, labelled.format, labelled.separator)
    return {name: [values[row] for row in rows] for name, values in zip(unique, columns, strict=True)}


def _errors(
    labels: Sequence[str],
    truth: NDArray[np.int64],
    probabilities: Probabilities,
    rows: Sequence[int],
    texts: Sequence[str],
) -> tuple[WrongAnswer, ...]:
    """All wrong answers, the most confident first."""
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    order = np.argsort(-confidence, kind="stable")
    return tuple(
        WrongAnswer(rows[i], texts[i], labels[truth[i]], labels[predicted[i]], float(confidence[i]))
        for i in order.tolist()
        if predicted[i] != truth[i]
    )
