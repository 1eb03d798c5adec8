"""The training and the dev split of a configuration's data sets, which share no text with an evaluation set."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.config import LabelledSet, TrainingConfig
from training.data.labelled import Example
from training.data.leaks import Duplicates, LeakReport, Texts
from training.data.report import DataReport, SetReport, classes, conflicts, lengths, scripts
from training.data.sources import Source, read_sources
from training.data.splits import hash_position
from training.errors import TrainingError

Votes = dict[tuple[str, str], Counter[Example]]  # (head, canonical text) -> its rows, counted


@dataclass(frozen=True, slots=True)
class Corpus:
    """The training texts, the dev split that chooses the epoch, and reports on the data and on what was left out."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    unlabelled: tuple[str, ...]
    rows: dict[str, int]  # data set -> texts in train and dev, or in unlabelled
    data: DataReport
    leaks: LeakReport


def read_corpus(config: TrainingConfig, folder: Path) -> Corpus:
    """Read every data set, drop leaks and repetitions, and split by the hash of the text.

    Exact and near duplicates of a text in an evaluation set are dropped, also where evaluation itself leaves
    that row out. Near duplicates of each other go to the same side of the split.

    Args:
        folder: what the paths of the data sets are relative to.

    Raises:
        TrainingError: a file is unusable, no training text has one of the labels, or no text is left for dev.
    """
    sources = read_sources(config, folder)
    duplicates = Duplicates(
        [Texts(source.settings.name, source.role, source.canonical) for source in sources]
    )
    leaks = duplicates.report()
    votes, origin = _votes(sources, duplicates)
    majorities = {key: winner for key, copies in votes.items() if (winner := majority(copies))}
    in_dev = _in_dev(majorities, duplicates, config.hyperparameters.dev_ratio)
    train = tuple(example for (_, text), example in majorities.items() if not in_dev[text])
    dev = tuple(example for (_, text), example in majorities.items() if in_dev[text])
    _check_classes(config, votes, train, dev)
    held_out = {duplicates.representatives[text] for text, is_dev in in_dev.items() if is_dev}
    unlabelled = _unlabelled(sources, duplicates, {text for _, text in votes}, held_out)
    rows = Counter(origin[key] for key in majorities) + Counter(unlabelled.values())
    data = DataReport(
        sets=tuple(_report(source, leaks, rows) for source in sources),
        splits={
            name: classes(part, {head: each.labels for head, each in config.heads.items()})
            for name, part in (("train", train), ("dev", dev))
        },
        unlabelled=len(unlabelled),
        conflicts=conflicts(votes.values(), set(majorities.values())),
    )
    return Corpus(train, dev, tuple(unlabelled), dict(rows), data, leaks)


def _votes(sources: Sequence[Source], duplicates: Duplicates) -> tuple[Votes, dict[tuple[str, str], str]]:
    """The labels that rows give to each text that may be trained on, and the first set that contains the text."""
    votes: Votes = {}
    origin: dict[tuple[str, str], str] = {}
    for source in sources:
        if source.role == "train":
            for row, example in source.examples.items():
                text = source.canonical[row]
                if text and text not in duplicates.forbidden:
                    votes.setdefault((example.head, text), Counter())[example] += 1
                    origin.setdefault((example.head, text), source.settings.name)
    return votes, origin


def majority(votes: Counter[Example]) -> Example | None:
    """Of the copies of one text, the first with the most frequent label; None where two labels tie."""
    by_label: Counter[str] = Counter()
    for example, count in votes.items():
        by_label[example.label] += count
    (label, most), *others = by_label.most_common(2)
    if others and others[0][1] == most:
        return None
    return next(example for example in votes if example.label == label)


def _in_dev(
    majorities: Mapping[tuple[str, str], Example], duplicates: Duplicates, dev_ratio: float
) -> dict[str, bool]:
    """Canonical text -> whether it is in the dev split; texts linked by near duplicates are on one side."""
    return {
        text: hash_position(duplicates.representatives[text], "dev") < dev_ratio for _, text in majorities
    }


def _unlabelled(
    sources: Sequence[Source], duplicates: Duplicates, labelled: set[str], held_out: set[str]
) -> dict[str, str]:
    """Unlabelled text -> its set; each text once, none of a `labelled` set and none near a text that is `held_out`.

    `labelled` are canonical texts, `held_out` representatives of groups of near duplicates.
    """
    unlabelled: dict[str, str] = {}
    seen = labelled | duplicates.forbidden.keys()
    for source in (each for each in sources if each.role == "unlabelled"):
        for row, text in source.texts.items():
            form = source.canonical[row]
            if form and form not in seen and duplicates.representatives[form] not in held_out:
                seen.add(form)
                unlabelled[text] = source.settings.name
    return unlabelled


def _report(source: Source, leaks: LeakReport, kept: Mapping[str, int]) -> SetReport:
    name = source.settings.name
    kinds = Counter(dropped.kind for dropped in leaks.dropped.get(name, ()))
    return SetReport(
        name=name,
        role=source.role,
        head=source.settings.head if isinstance(source.settings, LabelledSet) else None,
        rows=len(source.texts),
        empty=sum(not text for text in source.canonical.values()),
        exact_leaks=kinds["exact"],
        near_leaks=kinds["near"],
        kept=None if source.role == "evaluation" else kept.get(name, 0),
        classes=dict(Counter(example.label for example in source.examples.values()).most_common()),
        words=lengths(source.canonical.values()),
        scripts=scripts(source.texts.values()),
        non_ascii_ratio=sum(not text.isascii() for text in source.texts.values()) / len(source.texts),
    )


def _check_classes(
    config: TrainingConfig, votes: Votes, train: Sequence[Example], dev: Sequence[Example]
) -> None:
    trained = {(e.head, e.label) for e in train}
    for name, head in config.heads.items():
        where = ", ".join(f"{one.path} (column {one.label!r})" for one in config.datasets if one.head == name)
        for label in head.labels:
            if (name, label) in trained:
                continue
            unused = sum(any((e.head, e.label) == (name, label) for e in copies) for copies in votes.values())
            why = f" ({unused} have conflicting labels or are in the dev split)" if unused else ""
            raise TrainingError(
                f"heads.{name}: no training text is labelled {label!r} in {where}{why}; remove the label or add data"
            )
        if not any(e.head == name for e in dev):
            raise TrainingError(
                f"heads.{name}: no text is left to choose the epoch with in {where}; raise hyperparameters.dev_ratio "
                "or add data"
            )
