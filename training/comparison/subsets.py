"""A part of the labelled texts, chosen by hash, so that a larger part includes a smaller one."""

from collections.abc import Sequence
from dataclasses import replace

from training.config import TrainingConfig
from training.data.corpus import Corpus
from training.data.labelled import Example
from training.data.splits import hash_position
from training.errors import TrainingConfigError

SALT = "compare"  # independent of the dev split and of the `hash_range` of a data set


def parse_label_percents(text: str) -> tuple[float, ...]:
    """Percentages such as "1,5,20,100", in rising order. Raises TrainingConfigError."""
    try:
        percents = [float(part) for part in text.split(",")]
    except ValueError:
        raise TrainingConfigError(
            f"--label-percents: {text!r} is not a list of percentages such as 1,5,20,100"
        ) from None
    for percent in percents:
        if not 0 < percent <= 100:
            raise TrainingConfigError(
                f"--label-percents: {percent:g} is not a percentage above 0 and at most 100"
            )
        if percents.count(percent) > 1:
            raise TrainingConfigError(f"--label-percents: {percent:g} is given twice")
    return tuple(sorted(percents))


def subset(corpus: Corpus, config: TrainingConfig, label_percent: float) -> Corpus:
    """The corpus with `label_percent` per cent of its training texts and of its dev split.

    `rows`, `data` and `leaks` still describe the whole.

    Raises:
        TrainingConfigError: a head has fewer than two labels left to learn, or an empty dev split.
    """
    train, dev = _part(corpus.train, label_percent), _part(corpus.dev, label_percent)
    for head in config.heads:
        classes = {example.label for example in train if example.head == head}
        where = f"--label-percents: {label_percent:g} % of the labels leaves heads.{head}"
        if len(classes) < 2:
            raise TrainingConfigError(
                f"{where} {len(classes)} labels to learn, at least two are needed; choose a larger percentage"
            )
        if not any(example.head == head for example in dev):
            raise TrainingConfigError(f"{where} no text to choose the epoch with; choose a larger percentage")
    return replace(corpus, train=train, dev=dev)


def lost(examples: Sequence[Example], config: TrainingConfig, head: str) -> tuple[str, ...]:
    """The labels of a head that no example has."""
    present = {example.label for example in examples if example.head == head}
    return tuple(label for label in config.heads[head].labels if label not in present)


def _part(examples: Sequence[Example], label_percent: float) -> tuple[Example, ...]:
    return tuple(each for each in examples if 100 * hash_position(each.text, SALT) < label_percent)
