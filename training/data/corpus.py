"""From a configuration's data sets to a training and a dev split that share no text with an evaluation set."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from training.config import LabelledSet, TrainingConfig
from training.data.labelled import Example
from training.data.leaks import Duplicates, LeakReport, Texts
from training.data.report import DataReport, SetReport, classes, conflicts, lengths, scripts
from training.data.sources import Source, read_sources
from training.data.splits import hash_share
from training.errors import TrainingError

Votes = dict[tuple[str, str], Counter[Example]]  # (head, canonical text) -> its rows


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is trained on, what chooses the epoch, how many texts each data set gave, and what was left out."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    unlabelled: tuple[str, ...]
    rows: dict[str, int]  # data set -> texts in train and dev, or in unlabelled
    data: DataReport
    leaks: LeakReport


def read_corpus(config: TrainingConfig, folder: Path) -> Corpus:
    """Read every data set, drop what leaks and what repeats, split by hash of the text.

    Dropped are exact and near duplicates of a text in an evaluation set, whether or not evaluation itself leaves
    that row out. Near duplicates of each other go to the same side of the split. Raises TrainingError for unusable
    files and for a label that no training text has.
    """
    sources = read_sources(config, folder)
    duplicates = Duplicates([Texts(one.described.name, one.role, one.words) for one in sources])
    leaks = duplicates.report()
    votes, origin = _votes(sources, duplicates)
    agreed = {key: winner for key, copies in votes.items() if (winner := majority(copies))}
    side = _sides(agreed, duplicates, config.hyperparameters.dev_share)
    train = tuple(e for (_, words), e in agreed.items() if not side[words])
    dev = tuple(e for (_, words), e in agreed.items() if side[words])
    _check_classes(config, votes, train, dev)
    apart = {duplicates.representatives[words] for words, in_dev in side.items() if in_dev}
    unlabelled = _unlabelled(sources, duplicates, {words for _, words in votes}, apart)
    rows = Counter(origin[key] for key in agreed) + Counter(unlabelled.values())
    data = DataReport(
        sets=tuple(_report(one, leaks, rows) for one in sources),
        splits={
            name: classes(part, {head: each.labels for head, each in config.heads.items()})
            for name, part in (("train", train), ("dev", dev))
        },
        unlabelled=len(unlabelled),
        conflicts=conflicts(votes.values(), set(agreed.values())),
    )
    return Corpus(train, dev, tuple(unlabelled), dict(rows), data, leaks)


def _votes(sources: Sequence[Source], duplicates: Duplicates) -> tuple[Votes, dict[tuple[str, str], str]]:
    """What every row that may be trained on says about its text, and the set that the text comes from first."""
    votes: Votes = {}
    origin: dict[tuple[str, str], str] = {}
    for one in sources:
        if one.role == "train":
            for row, example in one.examples.items():
                words = one.words[row]
                if words and words not in duplicates.forbidden:
                    votes.setdefault((example.head, words), Counter())[example] += 1
                    origin.setdefault((example.head, words), one.described.name)
    return votes, origin


def majority(votes: Counter[Example]) -> Example | None:
    """The first example with the label that most copies of the text have; None where two labels tie."""
    by_label: Counter[str] = Counter()
    for example, count in votes.items():
        by_label[example.label] += count
    (label, most), *others = by_label.most_common(2)
    if others and others[0][1] == most:
        return None
    return next(example for example in votes if example.label == label)


def _sides(
    agreed: Mapping[tuple[str, str], Example], duplicates: Duplicates, dev_share: float
) -> dict[str, bool]:
    """Canonical text -> whether it is in dev: one answer for all that near duplicates link."""
    return {words: hash_share(duplicates.representatives[words], "dev") < dev_share for _, words in agreed}


def _unlabelled(
    sources: Sequence[Source], duplicates: Duplicates, known: set[str], apart: set[str]
) -> dict[str, str]:
    """Text -> its set; every text once, none that is `known` from a labelled set or whose group is kept `apart`."""
    found: dict[str, str] = {}
    seen = known | duplicates.forbidden.keys()
    for one in (source for source in sources if source.role == "unlabelled"):
        for row, text in one.texts.items():
            words = one.words[row]
            if words and words not in seen and duplicates.representatives[words] not in apart:
                seen.add(words)
                found[text] = one.described.name
    return found


def _report(one: Source, leaks: LeakReport, kept: Mapping[str, int]) -> SetReport:
    name = one.described.name
    kinds = Counter(dropped.kind for dropped in leaks.dropped.get(name, ()))
    return SetReport(
        name=name,
        role=one.role,
        head=one.described.head if isinstance(one.described, LabelledSet) else None,
        rows=len(one.texts),
        empty=sum(not words for words in one.words.values()),
        exact_leaks=kinds["exact"],
        near_leaks=kinds["near"],
        kept=None if one.role == "evaluation" else kept.get(name, 0),
        classes=dict(Counter(example.label for example in one.examples.values()).most_common()),
        words=lengths(one.words.values()),
        scripts=scripts(one.texts.values()),
        non_ascii_ratio=sum(not text.isascii() for text in one.texts.values()) / len(one.texts),
    )


def _check_classes(
    config: TrainingConfig, votes: Votes, train: Sequence[Example], dev: Sequence[Example]
) -> None:
    found = {(e.head, e.label) for e in train}
    for name, head in config.heads.items():
        where = ", ".join(f"{one.path} (column {one.label!r})" for one in config.datasets if one.head == name)
        for label in head.labels:
            if (name, label) in found:
                continue
            unused = sum(any((e.head, e.label) == (name, label) for e in copies) for copies in votes.values())
            why = f" ({unused} are contradicted or kept for dev)" if unused else ""
            raise TrainingError(
                f"heads.{name}: no training text is labelled {label!r} in {where}{why}; remove the label or add data"
            )
        if not any(e.head == name for e in dev):
            raise TrainingError(
                f"heads.{name}: no text left to choose the epoch on in {where}; raise hyperparameters.dev_share "
                "or add data"
            )
