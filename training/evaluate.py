"""A model artifact against labelled data, through the same classifier that serves."""

from pathlib import Path

import numpy as np

from models.classifier import Classifier
from training.config import Head, LabelledSet, nearest
from training.errors import TrainingConfigError
from training.labelled import read_examples
from training.metrics import Metrics, measure


def evaluate(classifier: Classifier, labelled: LabelledSet, folder: Path) -> Metrics:
    """Metrics of one head on one labelled set. Raises TrainingError.

    A number in the file means what it meant in the files the model was trained on (the manifest's
    `label_codes`), unless the set says otherwise.
    """
    heads = classifier.manifest.heads
    if labelled.head not in heads:
        raise TrainingConfigError(f"no head {labelled.head!r}; {nearest(labelled.head, list(heads))}")
    labels = heads[labelled.head].labels
    coding = classifier.manifest.label_codes.get(labelled.head) or Head(labels=labels).coding
    for label in labelled.labels.values():
        if label not in labels:
            raise TrainingConfigError(
                f"{labelled.head} has no label {label!r}; {nearest(label, list(labels))}"
            )
    examples = read_examples(labelled, coding, folder)
    probabilities = classifier.probabilities([e.text for e in examples])[labelled.head]  # (n, n_labels)
    truth = np.array([labels.index(e.label) for e in examples])
    return measure(labels, truth, probabilities.argmax(1), probabilities.max(1))


def numbering(labels: str) -> dict[str, str]:
    """ "negative,positive" -> what the numbers 0, 1 mean."""
    return {str(i): label.strip() for i, label in enumerate(labels.split(","))}
