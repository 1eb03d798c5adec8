"""What the shipped model says of negative and of other texts, as counts of measured probabilities.

P(negative) of `models/bundled` on labelled texts, counted in twenty equal bins of [0, 1]:

    news      2,337 texts of Twitter Financial News Sentiment, validation, without those that are also in train:
              0.84 of the negative ones and 0.04 of the others have P(negative) ≥ 0.5
    comments  1,300 stock tweets of the IEEE set: 0.33 and 0.03; the model knows their slang badly

The label of a text is whether that probability is at least one half, which is the model's label in 0.99 of them.
"""

from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


class Answers(NamedTuple):
    """Counts by bin of P(negative), of texts that people call negative and of all others."""

    negative: tuple[int, ...]
    other: tuple[int, ...]


NEWS: Final = Answers(
    negative=(8, 8, 8, 6, 7, 3, 3, 5, 8, 6, 5, 4, 9, 11, 9, 17, 16, 24, 56, 124),
    other=(1552, 174, 60, 47, 22, 25, 12, 16, 10, 14, 5, 10, 7, 6, 5, 8, 3, 6, 11, 7),
)
COMMENTS: Final = Answers(
    negative=(80, 61, 36, 16, 10, 15, 6, 5, 4, 6, 11, 1, 9, 12, 6, 4, 12, 13, 16, 25),
    other=(693, 142, 38, 22, 8, 8, 3, 3, 6, 3, 1, 4, 3, 3, 1, 2, 3, 1, 4, 4),
)
PRIOR: Final = 0.144  # ratio of negative texts among those that the model's calibration was measured on


def probabilities(truth: NDArray[np.bool_], answers: Answers, rng: np.random.Generator) -> Floats:
    """P(negative) as the model would give it for texts that are negative (`truth`) or not; shape of `truth`."""
    drawn = np.empty(truth.shape)
    for value, counts in ((True, answers.negative), (False, answers.other)):
        mask = truth == value
        weights = np.array(counts) / sum(counts)  # (20,)
        bins = rng.choice(len(weights), size=int(mask.sum()), p=weights)
        drawn[mask] = (bins + rng.random(bins.size)) / len(weights)
    return drawn


def label_ratio(ratio: Floats, answers: Answers) -> Floats:
    """The ratio of texts that the model labels negative where `ratio` of them are."""
    found, wrong = (sum(counts[len(counts) // 2 :]) / sum(counts) for counts in answers)
    return ratio * found + (1 - ratio) * wrong
