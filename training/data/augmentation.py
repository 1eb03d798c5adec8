"""Augmented copies of texts, which teachers label for a student: some words masked, some names exchanged.

After the data augmentation of Tang, Lu, Liu, Mou, Vechtomova and Lin 2019, "Distilling Task-Specific Knowledge from
BERT into Simple Neural Networks", which masks words and replaces others by words of the same part of speech. Here a
word that looks like a name is replaced by a name of another text, so that a student learns what happened and not to
whom.
"""

import random
import re
from collections.abc import Sequence

MASK = "[MASK]"
MASKED_RATIO = 0.1  # of the words, as in the paper
RENAMED_RATIO = 0.3  # of the names
NAME = re.compile(r"[$@#]?[A-Z][\w&'.-]*\w")


def augmented(texts: Sequence[str], copies: int, seed: int) -> list[str]:
    """`copies` augmented copies of each text, each with its own changes; the same for the same texts and seed."""
    names = [word for text in texts for word in text.split() if NAME.fullmatch(word)]
    rng = random.Random(seed)  # noqa: S311 - not a secret
    return [_augmented(text, names, rng) for _ in range(copies) for text in texts]


def _augmented(text: str, names: Sequence[str], rng: random.Random) -> str:
    words = text.split()
    for i, word in enumerate(words):
        if NAME.fullmatch(word) and rng.random() < RENAMED_RATIO:
            words[i] = rng.choice(names)
        elif rng.random() < MASKED_RATIO:
            words[i] = MASK
    return " ".join(words)
