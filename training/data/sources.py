"""The data sets of a configuration as they stand in their files, by row."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bearwatch.core.canonical import canonical
from models.text import normalise
from training.config import LabelledSet, TextSet, TrainingConfig
from training.data.labelled import Example, numbered_examples, numbered_texts
from training.data.leaks import Role
from training.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Source:
    """A data set as it was read, by row: its texts, also in canonical form, and their labels if it has labels."""

    described: TextSet
    role: Role
    texts: dict[int, str]
    words: dict[int, str]
    examples: dict[int, Example]


def read_sources(config: TrainingConfig, folder: Path) -> list[Source]:
    """Training, unlabelled and evaluation sets in this order; evaluation sets with the rows that they exclude."""
    sources = [_source(config, one, "train", folder) for one in config.datasets]
    for one in sources:
        if len(one.examples) == 1:
            raise TrainingError(
                f"{folder / one.described.path}: row {min(one.texts)} is the only usable row of the data set "
                f"{one.described.name!r}; nothing can be learned from one text"
            )
    for unlabelled in config.distillation.unlabelled if config.distillation else ():
        texts = numbered_texts(unlabelled, folder)
        sources.append(Source(unlabelled, "unlabelled", texts, _canonical(texts), {}))
    whole = (msgspec.structs.replace(one, exclude=None) for one in config.evaluation)
    return [*sources, *(_source(config, one, "evaluation", folder) for one in whole)]


def _source(config: TrainingConfig, labelled: LabelledSet, role: Role, folder: Path) -> Source:
    examples = numbered_examples(labelled, config.heads[labelled.head].coding, folder)
    texts = {row: example.text for row, example in examples.items()}
    return Source(labelled, role, texts, _canonical(texts), examples)


def _canonical(texts: Mapping[int, str]) -> dict[int, str]:
    """Of what the model reads: a link without http, a tag or an invisible character makes no other text."""
    return {row: canonical(normalise(text)) for row, text in texts.items()}
