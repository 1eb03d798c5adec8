"""Several runs as one model: the mean of their weights, as fast as one run and often better than each.

Wortsman et al. 2022, "Model soups: averaging weights of multiple fine-tuned models improves accuracy without
increasing inference time". It works for runs that start from the same weights, those of the heads included, so they
need the same seed and must differ in something else, such as their data.
"""

import logging
from collections.abc import Sequence

import msgspec
import numpy as np
import torch

from training.errors import TrainingError
from training.export.parity import reference
from training.fit.batches import Encoded
from training.fit.network import Network
from training.fit.run_folder import RunFolder, RunRecord

log = logging.getLogger(__name__)


def common_record(folders: Sequence[RunFolder]) -> RunRecord:
    """The record of the first run, with the data sets and the teachers of all runs.

    Raises:
        TrainingError: the runs differ in their heads, base model, token limit, evaluation sets or dev split.
    """
    first, *others = (folder.record() for folder in folders)
    dev = folders[0].dev_examples()
    for folder, record in zip(folders[1:], others, strict=True):
        for what, same in (
            ("base_model", record.config.base_model == first.config.base_model),
            ("heads", record.config.heads == first.config.heads),
            ("max_tokens", record.config.max_tokens == first.config.max_tokens),
            ("evaluation sets", record.evaluation == first.evaluation),
            ("dev split", folder.dev_examples() == dev),
        ):
            if not same:
                raise TrainingError(
                    f"{folder.path} and {folders[0].path} differ in their {what}; export each on its own"
                )
    records = (first, *others)
    return msgspec.structs.replace(
        first,
        datasets=tuple(dict.fromkeys(each for record in records for each in record.datasets)),
        teachers=tuple(dict.fromkeys(each for record in records for each in record.teachers)),
    )


def load_mean(network: Network, folders: Sequence[RunFolder], dev: Sequence[Encoded]) -> None:
    """Load the mean of the best epochs' weights into the network.

    Raises:
        TrainingError: the mean has a lower accuracy on the dev split than one of the runs alone.
    """
    total: dict[str, torch.Tensor] = {}
    scores: list[float] = []
    for folder in folders:
        weights = folder.load_best()
        network.load_state_dict(weights)
        scores.append(_score(network, dev))
        log.info("%s: mean accuracy %.4f on the dev split", folder.path, scores[-1])
        total = {name: total[name] + weight if total else weight for name, weight in weights.items()}
    network.load_state_dict({name: weight / len(folders) for name, weight in total.items()})
    score = _score(network, dev)
    log.info("the mean of the %d runs' weights: %.4f", len(folders), score)
    if score < max(scores):
        best = folders[int(np.argmax(scores))].path
        raise TrainingError(
            f"the mean of the runs' weights has an accuracy of {score:.2%} on the dev split, {best} alone has "
            f"{max(scores):.2%}; export that run alone, or train runs with the same seed"
        )


def _score(network: Network, dev: Sequence[Encoded]) -> float:
    """The mean accuracy over the heads, by which training chooses the epoch."""
    predictions = reference(network, dev)
    heads, labels = np.array([row.head for row in dev]), np.array([row.target for row in dev])
    return float(
        np.mean([(predictions[head].argmax(1) == labels)[heads == head].mean() for head in np.unique(heads)])
    )
