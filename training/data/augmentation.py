"""Altered copies of texts, for a student to ask its teachers about: words masked, names exchanged.

After the data augmentation of Tang, Lu, Liu, Mou, Vechtomova and Lin 2019, "Distilling Task-Specific Knowledge from
BERT into Simple Neural Networks", which masks words and replaces others by words of the same part of speech; here what
looks like a name becomes another text's, so that a student learns what happened and not to whom.
"""

import random
import re
from collections.abc import Sequence

MASK = "[MASK]"
MASKED_SHARE = 0.1  # of the words, as in the paper
RENAMED_SHARE = 0.3  # of the names
NAME = re.compile(r"[$@#]?[A-Z][\w&'.-]*\w")


def altered(texts: Sequence[str], copies: int, seed: int) -> list[str]:
    """`copies` of each text, each altered in its own way; the same for the same texts and seed."""
    names = [word for text in texts for word in text.split() if NAME.fullmatch(word)]
    rng = random.Random(seed)  # noqa: S311 - no secret
    return [_altered(text, names, rng) for _ in range(copies) for text in texts]


def _altered(text: str, names: Sequence[str], rng: random.Random) -> str:
    words = text.split()
    for i, word in enumerate(words):
        if NAME.fullmatch(word) and rng.random() < RENAMED_SHARE:
            words[i] = rng.choice(names)
        elif rng.random() < MASKED_SHARE:
            words[i] = MASK
    return " ".join(words)
