"""What each head should say about each text: the label, what teachers say, or a mixture of both."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.classifier import Classifier
from training.config import TrainingConfig
from training.errors import TrainingConfigError
from training.fit.batches import Encoded

Targets = tuple[
    NDArray[np.float32], ...
]  # of each head, (n_texts, n_labels); a row of zeros: nothing is known


def teachers_say(teachers: Sequence[Path], texts: Sequence[str], config: TrainingConfig) -> Targets:
    """The mean probabilities of trained models, of each head of the configuration.

    Raises:
        ModelError: a teacher cannot be loaded.
        TrainingConfigError: a teacher answers other questions than the configuration asks.
    """
    means = [np.zeros((len(texts), len(head.labels)), np.float32) for head in config.heads.values()]
    for folder in teachers:
        classifier = Classifier.load(folder)
        asked = {name: head.labels for name, head in config.heads.items()}
        known = {name: head.labels for name, head in classifier.manifest.heads.items()}
        if asked != known:
            raise TrainingConfigError(
                f"teacher {folder}: its heads and labels are not those of the configuration"
            )
        said: Mapping[str, NDArray[np.float64]] = classifier.probabilities(texts)
        for mean, name in zip(means, config.heads, strict=True):
            mean += said[name].astype(np.float32) / len(teachers)
    return tuple(means)


def targets(rows: Sequence[Encoded], config: TrainingConfig, teachers: Targets | None) -> Targets:
    """Labels, smoothed over all classes of their head, and the teachers' word where there are teachers."""
    sizes = [len(head.labels) for head in config.heads.values()]
    heads = np.array([row.head for row in rows])
    labels = np.array([row.target for row in rows])
    smoothing = config.hyperparameters.label_smoothing
    weight = config.distillation.weight if config.distillation else 0.0
    found = []
    for head, size in enumerate(sizes):
        mine = np.flatnonzero(heads == head)
        wanted = np.zeros((len(rows), size), np.float32) if teachers is None else teachers[head].copy()
        hard = np.full((len(mine), size), smoothing / size, np.float32)
        hard[np.arange(len(mine)), labels[mine]] += 1 - smoothing
        wanted[mine] = hard if teachers is None else (1 - weight) * hard + weight * wanted[mine]
        found.append(wanted)
    return tuple(found)
