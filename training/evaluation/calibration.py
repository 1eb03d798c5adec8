"""Temperature and abstention threshold of each head, fitted on held-out texts after training; no label changes."""

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

# Without limits, a few held-out texts that are all right would make a head certain of everything.
MIN_TEMPERATURE, MAX_TEMPERATURE = 0.5, 10.0


def calibrate(
    heads: Mapping[str, Head],
    predictions: Mapping[str, Probabilities],
    examples: Sequence[Example],
    accuracy: float,
) -> dict[str, Head]:
    """The heads of a model with a fitted temperature and abstention threshold.

    Args:
        predictions: head -> probabilities for the examples' texts at temperature 1, (n_texts, n_labels).
        examples: held-out texts, each labelled for one head.
        accuracy: that the answers above the threshold, `Head.abstain_below`, should have.
    """
    results = {}
    for name, head in heads.items():
        rows = [row for row, example in enumerate(examples) if example.head == name]
        truth = np.array([head.labels.index(examples[row].label) for row in rows])
        uncalibrated = predictions[name][rows]  # (n, n_labels)
        logits = np.log(np.maximum(uncalibrated, np.finfo(np.float64).tiny))  # up to a constant per row
        divisor = temperature(logits, truth)
        corrected = softmax(logits / divisor, axis=1)
        correct = corrected.argmax(1) == truth
        threshold = abstain_below(correct, corrected.max(1), accuracy)
        log.info(
            "%s: temperature %.2f, calibration error %.3f -> %.3f; above %.2f, which %.0f %% reach, %.0f %% are right",
            name,
            divisor,
            calibration_error(correct, uncalibrated.max(1)),
            calibration_error(correct, corrected.max(1)),
            threshold,
            100 * float((corrected.max(1) >= threshold).mean()),
            100 * accuracy,
        )
        results[name] = msgspec.structs.replace(head, temperature=divisor, abstain_below=threshold)
    return results


def temperature(logits: NDArray[np.floating], truth: NDArray[np.int64]) -> float:
    """The divisor of a head's logits, (n, n_labels), that gives the labels `truth`, (n,), the largest likelihood.

    Temperature scaling: Guo, Pleiss, Sun and Weinberger 2017, "On Calibration of Modern Neural Networks".
    """
    rows = np.arange(len(truth))

    def loss(log_temperature: float) -> float:
        return float(-log_softmax(logits / np.exp(log_temperature), axis=1)[rows, truth].mean())

    best = minimize_scalar(loss, bounds=(np.log(MIN_TEMPERATURE), np.log(MAX_TEMPERATURE)), method="bounded")
    return float(np.exp(best.x))


def abstain_below(correct: NDArray[np.bool_], confidence: NDArray[np.float64], accuracy: float) -> float:
    """The lowest threshold at which the answers with at least that confidence have the accuracy; both arrays are (n,).

    0 if all answers together have it, 1 if no threshold reaches it.
    """
    order = np.argsort(-confidence, kind="stable")
    ratio = np.cumsum(correct[order]) / np.arange(1, len(order) + 1)  # right ones among the most confident
    # Answers with equal confidence are all given or all withheld.
    ends = np.append(np.diff(confidence[order]) != 0, True)
    enough = np.flatnonzero((ratio >= accuracy) & ends)
    if not len(enough):
        return 1.0
    if enough[-1] == len(order) - 1:
        return 0.0
    return float(confidence[order[enough[-1]]])
