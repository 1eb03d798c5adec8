"""Does the exported artifact say what the trained network says? Checked on real texts, the whole serving path."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from models.classifier import Classifier
from training.batches import Encoded, cut, pad
from training.errors import TrainingError
from training.network import Network, pad_id

MAX_DIFFERENCE = 1e-4  # of a probability; fp32 in another order of summation differs by about 1e-6
BATCH_TOKENS = 1024


@dataclass(frozen=True, slots=True)
class Parity:
    texts: int
    max_difference: float


def check_parity(
    classifier: Classifier, network: Network, texts: Sequence[str], encoded: Sequence[Encoded]
) -> Parity:
    """Compare label by label; `encoded` are the same texts, tokenised as in training.

    Raises TrainingError where a label differs or a probability differs by more than MAX_DIFFERENCE.
    """
    expected = reference(network, encoded)
    largest = 0.0
    for (head, served), wanted in zip(classifier.probabilities(texts).items(), expected, strict=True):
        flipped = np.flatnonzero(served.argmax(1) != wanted.argmax(1))
        difference = float(np.abs(served - wanted).max())
        if len(flipped) or not difference <= MAX_DIFFERENCE:  # so that NaN is refused as well
            example = f", such as {texts[flipped[0]]!r}" if len(flipped) else ""
            raise TrainingError(
                f"the exported model disagrees with the trained one: {head} of {len(flipped)} of {len(texts)} texts"
                f"{example}; largest difference of a probability {difference:.2g}, allowed {MAX_DIFFERENCE:g}"
            )
        largest = max(largest, difference)
    return Parity(len(texts), largest)


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
