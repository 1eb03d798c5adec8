"""The training targets of each head for each text: the label, the soft targets of teachers, or a mixture of both."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from models.classifier import Classifier
from training.config import TrainingConfig
from training.errors import TrainingConfigError
from training.fit.batches import Encoded

# Of each head, (n_texts, n_labels); a row of zeros: there is no target, and the loss of the row is 0.
Targets = tuple[NDArray[np.float32], ...]


def soft_targets(teachers: Sequence[Path], texts: Sequence[str], config: TrainingConfig) -> Targets:
    """The mean probabilities of the teachers for each text and head.

    Args:
        teachers: folders of exported models.

    Raises:
        ModelError: a teacher cannot be loaded.
        TrainingConfigError: a teacher has other heads or labels than the configuration.
    """
    means = [np.zeros((len(texts), len(head.labels)), np.float32) for head in config.heads.values()]
    for folder in teachers:
        classifier = Classifier.load(folder)
        ours = {name: head.labels for name, head in config.heads.items()}
        theirs = {name: head.labels for name, head in classifier.manifest.heads.items()}
        if ours != theirs:
            raise TrainingConfigError(
                f"teacher {folder}: its heads and labels are not those of the configuration"
            )
        probabilities: Mapping[str, NDArray[np.float64]] = classifier.probabilities(texts)
        for mean, name in zip(means, config.heads, strict=True):
            mean += probabilities[name].astype(np.float32) / len(teachers)
    return tuple(means)


def targets(rows: Sequence[Encoded], config: TrainingConfig, soft: Targets | None) -> Targets:
    """Labels, smoothed over all classes of their head, mixed with the soft targets of teachers where there are any.

    The mixture is described at `Distillation` in training/config.py.
    """
    sizes = [len(head.labels) for head in config.heads.values()]
    heads = np.array([row.head for row in rows])
    labels = np.array([row.target for row in rows])
    smoothing = config.hyperparameters.label_smoothing
    weight = config.distillation.weight if config.distillation else 0.0
    results = []
    for head, size in enumerate(sizes):
        mine = np.flatnonzero(heads == head)
        target = np.zeros((len(rows), size), np.float32) if soft is None else soft[head].copy()
        hard = np.full((len(mine), size), smoothing / size, np.float32)
        hard[np.arange(len(mine)), labels[mine]] += 1 - smoothing
        target[mine] = hard if soft is None else (1 - weight) * hard + weight * target[mine]
        results.append(target)
    return tuple(results)
