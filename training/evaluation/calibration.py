"""Probabilities that mean what they say, and the confidence below which an answer is better not given.

Both are fitted on held-out texts, after training, and change no label.
"""

import logging
from collections.abc import Mapping, Sequence

import msgspec
import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax, softmax

from models.classifier import Probabilities
from models.manifest import Head
from training.data.labelled import Example
from training.evaluation.metrics import calibration_error

log = logging.getLogger(__name__)

# Of the temperature. A few held-out texts that are all right would otherwise make a head certain of everything.
COLDEST, HOTTEST = 0.5, 10.0


def calibrated(
    heads: Mapping[str, Head], said: Mapping[str, Probabilities], examples: Sequence[Example], accuracy: float
) -> dict[str, Head]:
    """The heads of a model with what was fitted for each.

    Args:
        said: what the model says of the examples' texts at temperature 1, head -> (n_texts, n_labels).
        examples: held-out texts, each labelled for one head.
        accuracy: of the answers that are given above `Head.abstain_below`.
    """
    found = {}
    for name, head in heads.items():
        rows = [row for row, example in enumerate(examples) if example.head == name]
        truth = np.array([head.labels.index(examples[row].label) for row in rows])
        logits = np.log(
            np.maximum(said[name][rows], np.finfo(np.float64).tiny)
        )  # but for a constant of each row
        divisor = temperature(logits, truth)
        raw, mended = said[name][rows], softmax(logits / divisor, axis=1)
        correct = mended.argmax(1) == truth
        threshold = abstain_below(correct, mended.max(1), accuracy)
        log.info(
            "%s: temperature %.2f, calibration error %.3f -> %.3f; %.0f %% are right above %.2f, which %.0f %% reach",
            name,
            divisor,
            calibration_error(correct, raw.max(1)),
            calibration_error(correct, mended.max(1)),
            100 * accuracy,
            threshold,
            100 * float((mended.max(1) >= threshold).mean()),
        )
        found[name] = msgspec.structs.replace(head, temperature=divisor, abstain_below=threshold)
    return found


def temperature(logits: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """The number that divides a head's logits, (n, n_labels), so that the labels `truth`, (n,), become most likely.

    Temperature scaling: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks".
    """
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(logits / np.exp(log_temperature), axis=1)[rows, truth].mean())

    best = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return float(np.exp(best.x))


def abstain_below(correct: NDArray[np.bool_], confidence: NDArray[np.float64], accuracy: float) -> float:
    """The lowest confidence from which on the share `accuracy` of the answers is right; both arrays are (n,).

    0 if it is reached without abstaining, 1 if no confidence reaches it.
    """
    order = np.argsort(-confidence, kind="stable")
    share = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)  # of the most confident ones, right
    ends = np.append(
        np.diff(confidence[order]) != 0, True
    )  # equal confidences are given or withheld together
    enough = np.flatnonzero((share >= accuracy) & ends)
    if not len(enough):
        return 1.0
    if enough[-1] == len(order) - 1:
        return 0.0
    return float(confidence[order[enough[-1]]])
