"""Batches of similar length under a budget of padded tokens, shuffled by seed and epoch."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

POOL_BATCHES = 32  # sorted by length together: more batches mean less padding and less randomness

UNLABELLED = -1


@dataclass(frozen=True, slots=True)
class Encoded:
    """A tokenised text; `head` and `target` are positions in the configuration's heads and labels.

    Both are UNLABELLED for an unlabelled text.
    """

    tokens: tuple[int, ...]
    head: int
    target: int


@dataclass(frozen=True, slots=True)
class Batch:
    """Token ids of several texts, padded to the longest, and the mask that is 1 where a token is not padding."""

    input_ids: NDArray[np.int64]  # (batch, tokens), padded with `pad`
    attention_mask: NDArray[np.int64]  # (batch, tokens)


def plan_epoch(lengths: Sequence[int], budget: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The row numbers of each batch of one epoch, every row once; the same for the same seed and epoch.

    Args:
        lengths: tokens of each row.
        budget: padded tokens per batch, at most.
    """
    random = np.random.default_rng([seed, epoch])
    order = random.permutation(len(lengths))
    sizes = np.asarray(lengths)
    pool = max(1, POOL_BATCHES * budget // int(sizes.mean()))
    batches = []
    for start in range(0, len(order), pool):
        rows = order[start : start + pool]
        batches += cut(rows[np.argsort(sizes[rows], kind="stable")], sizes, budget)
    return [batches[i] for i in random.permutation(len(batches))]


def cut(rows: NDArray[np.int64], sizes: NDArray[np.int64], budget: int) -> list[NDArray[np.int64]]:
    """Cut `rows`, sorted by their `sizes` in tokens, into batches of at most `budget` padded tokens each."""
    batches, start = [], 0
    for end in range(1, len(rows) + 1):
        padded = (end - start) * int(sizes[rows[end - 1]])
        if padded > budget and end - start > 1:
            batches.append(rows[start : end - 1])
            start = end - 1
    return [*batches, rows[start:]]


def pad(rows: Sequence[Encoded], pad_id: int) -> Batch:
    """Pad rows with `pad_id` into one batch."""
    longest = max(len(row.tokens) for row in rows)
    input_ids = np.full((len(rows), longest), pad_id, np.int64)
    mask = np.zeros((len(rows), longest), np.int64)
    for i, row in enumerate(rows):
        input_ids[i, : len(row.tokens)] = row.tokens
        mask[i, : len(row.tokens)] = 1
    return Batch(input_ids, mask)
