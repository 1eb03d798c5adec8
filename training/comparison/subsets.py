"""Less of the same data: a share of the labelled texts, chosen by hash, so that a larger share holds a smaller one."""

from collections.abc import Sequence
from dataclasses import replace

from training.config import TrainingConfig
from training.data.corpus import Corpus
from training.data.labelled import Example
from training.data.splits import hash_share
from training.errors import TrainingConfigError

SALT = "compare"  # independent of what parts training from dev and of the `share` of a data set


def parse_shares(written: str) -> tuple[float, ...]:
    """ "1,5,20,100" -> those percentages in rising order. Raises TrainingConfigError."""
    try:
        shares = [float(part) for part in written.split(",")]
    except ValueError:
        raise TrainingConfigError(
            f"--shares: {written!r} is no list of percentages such as 1,5,20,100"
        ) from None
    for share in shares:
        if not 0 < share <= 100:
            raise TrainingConfigError(
                f"--shares: {share:g} is no share of the labels: above 0, at most 100 %"
            )
        if shares.count(share) > 1:
            raise TrainingConfigError(f"--shares: {share:g} is there twice")
    return tuple(sorted(shares))


def subset(corpus: Corpus, config: TrainingConfig, share: float) -> Corpus:
    """`share` per cent of what is trained on and of what chooses, as if no more had been labelled.

    `rows`, `data` and `leaks` go on to describe the whole. Raises TrainingConfigError where a head is left with fewer
    than two classes to learn or with no text to choose on.
    """
    train, dev = _share(corpus.train, share), _share(corpus.dev, share)
    for head in config.heads:
        classes = {example.label for example in train if example.head == head}
        if len(classes) < 2:
            raise TrainingConfigError(
                f"--shares: {share:g} % of the labels leaves heads.{head} {len(classes)} classes to learn, two are "
                "the least; take a larger share"
            )
        if not any(example.head == head for example in dev):
            raise TrainingConfigError(
                f"--shares: {share:g} % of the labels leaves heads.{head} no text to choose the epoch on; take a "
                "larger share"
            )
    return replace(corpus, train=train, dev=dev)


def lost(examples: Sequence[Example], config: TrainingConfig, head: str) -> tuple[str, ...]:
    """The labels of a head that none of the examples has."""
    found = {example.label for example in examples if example.head == head}
    return tuple(label for label in config.heads[head].labels if label not in found)


def _share(examples: Sequence[Example], share: float) -> tuple[Example, ...]:
    return tuple(each for each in examples if 100 * hash_share(each.text, SALT) < share)
