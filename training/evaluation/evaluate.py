"""A model artifact against labelled data, through the same classifier that serves."""

import csv
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models.classifier import Classifier, Probabilities
from training.config import Head, LabelledSet, nearest
from training.data.labelled import numbered_examples
from training.data.table_files import read_columns
from training.errors import TrainingConfigError
from training.evaluation.intervals import Interval, bootstrap
from training.evaluation.metrics import Metrics, ReliabilityBin, measure, reliability
from training.evaluation.slices import Slice, groups, slices

WORST = 20  # confident errors
SEED = 1


@dataclass(frozen=True, slots=True)
class WrongAnswer:
    """`row` of the file, counted from 0; `probability` of the predicted label."""

    row: int
    text: str
    truth: str
    predicted: str
    probability: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """`intervals`: figure -> 95 % interval. `errors`: the wrong answers given with most confidence, worst first."""

    metrics: Metrics
    intervals: dict[str, Interval]
    slices: tuple[Slice, ...]
    errors: tuple[WrongAnswer, ...]
    reliability: tuple[ReliabilityBin, ...]

    def as_table(self) -> dict[str, Any]:
        """For JSON: the metrics, and beside them the rest."""
        table = asdict(self)
        metrics: dict[str, Any] = table.pop("metrics")
        return metrics | table


def evaluate(
    classifier: Classifier,
    labelled: LabelledSet,
    folder: Path,
    *,
    by: Sequence[str] = (),
    worst: int = WORST,
    seed: int = SEED,
) -> Evaluation:
    """One head on one labelled set. Raises TrainingError.

    A number in the file means what it meant in the files the model was trained on (the manifest's
    `label_codes`), unless the set says otherwise.

    Args:
        by: columns of the file to slice by.
        worst: how many errors to keep.
        seed: of the bootstrap.
    """
    labels = _labels(classifier, labelled)
    coding = classifier.manifest.label_codes.get(labelled.head) or Head(labels=labels).coding
    examples = numbered_examples(labelled, coding, folder)
    rows, texts = list(examples), [example.text for example in examples.values()]
    columns = _columns(labelled, by, folder, rows)
    truth = np.array([labels.index(example.label) for example in examples.values()])
    probabilities = classifier.probabilities(texts)[labelled.head]  # (n, n_labels)
    correct, confidence = probabilities.argmax(1) == truth, probabilities.max(1)
    return Evaluation(
        measure(labels, truth, probabilities),
        bootstrap(truth, probabilities, seed),
        slices(labels, truth, probabilities, groups(texts, columns)),
        _errors(labels, truth, probabilities, rows, texts)[:worst],
        reliability(correct, confidence),
    )


def spellings(labels: str) -> dict[str, str]:
    """What a file writes -> label: "negative,positive" says it of 0 and 1, "down=negative,up=positive" of words.

    A part with a comma in it stands in quotes. Raises TrainingConfigError for a mixture of both, or one said twice.
    """
    parts = [part.strip() for part in next(csv.reader([labels], skipinitialspace=True))]
    if not any("=" in part for part in parts):
        return {str(i): label for i, label in enumerate(parts)}
    found = {}
    for part in parts:
        written, separator, label = part.partition("=")
        if not separator:
            raise TrainingConfigError(
                f"--labels: {part!r} lacks what the file writes for it; write {f'0={part}'!r} for a number, or "
                "nothing but labels, in the order of the numbers"
            )
        if written.strip() in found:
            raise TrainingConfigError(f"--labels: {written.strip()!r} stands there twice")
        found[written.strip()] = label.strip()
    return found


def _labels(classifier: Classifier, labelled: LabelledSet) -> tuple[str, ...]:
    """Of the head that the set is about."""
    heads = classifier.manifest.heads
    if labelled.head not in heads:
        raise TrainingConfigError(f"no head {labelled.head!r}; {nearest(labelled.head, list(heads))}")
    labels = heads[labelled.head].labels
    for label in labelled.labels.values():
        if label not in labels:
            raise TrainingConfigError(
                f"{labelled.head} has no label {label!r}; {nearest(label, list(labels))}"
            )
    return labels


def _columns(
    labelled: LabelledSet, names: Sequence[str], folder: Path, rows: Sequence[int]
) -> dict[str, list[str]]:
    """Column -> its values in those rows."""
    if not names:
        return {}
    different = list(dict.fromkeys(names))
    found = read_columns(folder / labelled.path, different, labelled.format, labelled.separator)
    return {name: [values[row] for row in rows] for name, values in zip(different, found, strict=True)}


def _errors(
    labels: Sequence[str],
    truth: NDArray[np.int64],
    probabilities: Probabilities,
    rows: Sequence[int],
    texts: Sequence[str],
) -> tuple[WrongAnswer, ...]:
    """All of them, the most confident first."""
    predicted, confidence = probabilities.argmax(1), probabilities.max(1)
    order = np.argsort(-confidence, kind="stable")
    return tuple(
        WrongAnswer(rows[i], texts[i], labels[truth[i]], labels[predicted[i]], float(confidence[i]))
        for i in order.tolist()
        if predicted[i] != truth[i]
    )
