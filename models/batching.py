"""Forms batches of texts of equal padded length, within a budget of padded tokens."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

# A batch has one padded length, which is a function of the text alone. So a text is padded to the same length whatever
# other texts are in the call; sums over another length would differ in their last bits. Steps of 4 are 8 % faster than
# steps of 8 in batches from 512 texts (less padding), and equal from 64; steps of 1 lose a quarter there.
LENGTH_STEP = 4


@dataclass(frozen=True)
class Batch:
    """Texts that one call of the engine takes."""

    indices: tuple[int, ...]  # of the texts, at least one
    tokens: int  # the padded length of each


def padded(tokens: int) -> int:
    """The length in tokens that a text of so many tokens is padded to."""
    return -(-tokens // LENGTH_STEP) * LENGTH_STEP


def rows(length: int, budget_tokens: int) -> int:
    """How many texts of a padded length fit the budget of padded tokens; at least two (see `Engine`)."""
    return max(2, budget_tokens // length)


def batches(lengths: Sequence[int], budget_tokens: int) -> list[Batch]:
    """Batches for texts of these lengths in tokens; every index is in exactly one batch.

    The longest come first, so that the engine's streams finish at about the same time.
    """
    by_length: dict[int, list[int]] = defaultdict(list)
    for index, length in enumerate(lengths):
        by_length[padded(length)].append(index)
    return [
        Batch(tuple(indices[start : start + rows(length, budget_tokens)]), length)
        for length, indices in sorted(by_length.items(), reverse=True)
        for start in range(0, len(indices), rows(length, budget_tokens))
    ]
