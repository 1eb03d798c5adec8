"""Reads the data sets of a configuration, row by row."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bearwatch.core.canonical import canonical as canonical_form
from models.text import normalise
from training.config import LabelledSet, TextSet, TrainingConfig
from training.data.labelled import Example, numbered_examples, numbered_texts
from training.data.leaks import Role
from training.errors import TrainingError


@dataclass(frozen=True, slots=True)
class Source:
    """A data set as it was read. Row of the file, counted from 0 -> its text, its canonical text, its example.

    `examples` is empty for an unlabelled set.
    """

    settings: TextSet
    role: Role
    texts: dict[int, str]
    canonical: dict[int, str]
    examples: dict[int, Example]


def read_sources(config: TrainingConfig, folder: Path) -> list[Source]:
    """Training, unlabelled and evaluation sets in this order; evaluation sets include the rows that they exclude.

    Raises:
        TrainingError: a file is unusable, or a training set has a single row.
    """
    sources = [_source(config, one, "train", folder) for one in config.datasets]
    for source in sources:
        if len(source.examples) == 1:
            raise TrainingError(
                f"{folder / source.settings.path}: row {min(source.texts)} is the only usable row of the data set "
                f"{source.settings.name!r}; add data, or remove the set: nothing can be learned from one text"
            )
    for unlabelled in config.distillation.unlabelled if config.distillation else ():
        texts = numbered_texts(unlabelled, folder)
        sources.append(Source(unlabelled, "unlabelled", texts, _canonical(texts), {}))
    whole = (msgspec.structs.replace(one, exclude=None) for one in config.evaluation)
    return [*sources, *(_source(config, one, "evaluation", folder) for one in whole)]


def _source(config: TrainingConfig, labelled: LabelledSet, role: Role, folder: Path) -> Source:
    examples = numbered_examples(labelled, config.heads[labelled.head].label_mapping, folder)
    texts = {row: example.text for row, example in examples.items()}
    return Source(labelled, role, texts, _canonical(texts), examples)


def _canonical(texts: Mapping[int, str]) -> dict[int, str]:
    """Row -> canonical form of the text that the model reads.

    The model reads normalised texts, so a link without http, a tag or an invisible character does not make two texts
    different.
    """
    return {row: canonical_form(normalise(text)) for row, text in texts.items()}
