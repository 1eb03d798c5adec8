"""Compares the exported artifact with the trained network, on real texts and over the whole serving path."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from models.classifier import Probabilities
from models.engines import BF16
from models.manifest import Parity
from training.errors import TrainingError
from training.fit.batches import Encoded, cut, pad
from training.fit.network import Network, pad_id

MAX_DIFFERENCE = 1e-4  # of a probability in fp32; another order of summation changes it by about 1e-6
LEAST_AGREEMENT = {BF16: 0.995}  # ratio of equal labels; 1 in fp32
# In bf16, one different label per 50 texts is allowed, two at most: a few texts cannot show a ratio of 0.995.
ALLOWED_FLIPS, TEXTS_PER_FLIP = 2, 50
BATCH_TOKENS = 1024


def compare(served: Mapping[str, Probabilities], expected: Sequence[NDArray[np.float64]]) -> Parity:
    """How far served probabilities agree with the expected ones, head by head, (n_texts, n_labels) each.

    Where two labels are equally probable, to MAX_DIFFERENCE, either counts as the same.
    """
    agreements, largest = [], 0.0
    for answers, right in zip(served.values(), expected, strict=True):
        agreements.append(1 - len(_flipped(answers, right)) / len(right))
        largest = max(largest, float(np.abs(answers - right).max()))
    return Parity(len(expected[0]), min(agreements), largest)


def check(
    engine: str,
    served: Mapping[str, Probabilities],
    expected: Sequence[NDArray[np.float64]],
    texts: Sequence[str],
) -> Parity:
    """Check that an engine's probabilities for the texts agree with the network's, `expected` (from `reference`).

    Raises:
        TrainingError: too many labels differ or, in fp32, a probability differs by more than MAX_DIFFERENCE.
    """
    parity = compare(served, expected)
    if engine in LEAST_AGREEMENT:
        flips = round((1 - parity.agreement) * parity.texts)
        agrees = parity.agreement >= LEAST_AGREEMENT[engine] or flips <= min(
            ALLOWED_FLIPS, parity.texts // TEXTS_PER_FLIP
        )
    else:
        agrees = parity.agreement == 1 and parity.max_difference <= MAX_DIFFERENCE  # NaN is not
    if agrees:
        return parity
    differing = {head: _flipped(served[head], right) for head, right in zip(served, expected, strict=True)}
    head = max(differing, key=lambda name: len(differing[name]))
    example = f", such as {texts[differing[head][0]]!r}" if len(differing[head]) else ""
    raise TrainingError(
        f"the exported model disagrees with the trained one on {engine}: {head} of {len(differing[head])} of "
        f"{parity.texts} texts{example}; largest difference of a probability {parity.max_difference:.2g}, "
        f"allowed {MAX_DIFFERENCE:g} in fp32"
    )


def _flipped(served: Probabilities, right: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rows with another label, unless the network gives both labels the same probability; NaN counts as another."""
    rows = np.arange(len(right))
    chosen = served.argmax(1)
    lost = right.max(1) - right[rows, chosen]
    different = (chosen != right.argmax(1)) & (lost > MAX_DIFFERENCE)
    return np.flatnonzero(different | np.isnan(served).any(1))


@torch.no_grad()
def reference(network: Network, encoded: Sequence[Encoded]) -> list[NDArray[np.float64]]:
    """Probabilities of each head, (n_texts, n_labels), by torch in fp32."""
    network.eval()
    sizes = np.array([len(row.tokens) for row in encoded])
    results = [np.zeros((len(encoded), size)) for size in network.sizes]
    for rows in cut(np.argsort(sizes, kind="stable"), sizes, BATCH_TOKENS):
        batch = pad([encoded[i] for i in rows], pad_id(network.encoder))
        logits = network(torch.from_numpy(batch.input_ids), torch.from_numpy(batch.attention_mask))
        for result, scores in zip(results, logits, strict=True):
            result[rows] = scores.double().softmax(-1).numpy()
    return results
