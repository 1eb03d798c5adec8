"""From a configuration's data sets to a training and a dev split that share no text with an evaluation set."""

import logging
from collections import Counter
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path

import msgspec

from training.config import TrainingConfig
from training.errors import TrainingError
from training.labelled import Example, read_examples, read_texts
from training.splits import canonical, hash_share

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Corpus:
    """What is trained on, what chooses the epoch, and how many rows each data set gave."""

    train: tuple[Example, ...]
    dev: tuple[Example, ...]
    unlabelled: tuple[str, ...]
    rows: dict[str, int]  # data set -> rows in train and dev, or in unlabelled


def read_corpus(config: TrainingConfig, folder: Path) -> Corpus:
    """Read every data set, drop what leaks and what repeats, split by hash of the text.

    Raises TrainingError for unusable files and for a label that no training text has.
    """
    tested = evaluation_texts(config, folder)
    kept: dict[tuple[str, str], Counter[Example]] = {}  # (head, canonical text) -> votes
    origin: dict[tuple[str, str], str] = {}
    for labelled in config.datasets:
        examples = read_examples(labelled, config.heads[labelled.head].coding, folder)
        leaks = 0
        for example in examples:
            words = canonical(example.text)
            leaks += words in tested
            if words and words not in tested:
                kept.setdefault((example.head, words), Counter())[example] += 1
                origin.setdefault((example.head, words), labelled.name)
        log.info("%s: %d rows, %d dropped: also in an evaluation set", labelled.name, len(examples), leaks)
    agreed = {key: winner for key, votes in kept.items() if (winner := majority(votes))}
    log.info(
        "%d different texts, %d dropped: as many votes for another label", len(kept), len(kept) - len(agreed)
    )
    dev_share = config.hyperparameters.dev_share
    train = tuple(e for (_, words), e in agreed.items() if hash_share(words, "dev") >= dev_share)
    dev = tuple(e for (_, words), e in agreed.items() if hash_share(words, "dev") < dev_share)
    _check_classes(config, train, dev)
    known = tested | {words for _, words in kept}
    unlabelled = _unlabelled(config, folder, known)
    rows = Counter(origin[key] for key in agreed) + Counter(unlabelled.values())
    return Corpus(train, dev, tuple(unlabelled), dict(rows))


def _unlabelled(config: TrainingConfig, folder: Path, known: AbstractSet[str]) -> dict[str, str]:
    """Text -> its set; every text once, none that is `known` from a labelled set."""
    found: dict[str, str] = {}
    seen = set(known)
    for unlabelled in config.distillation.unlabelled if config.distillation else ():
        texts = read_texts(unlabelled, folder)
        before = len(found)
        for text in texts:
            words = canonical(text)
            if words and words not in seen:
                seen.add(words)
                found[text] = unlabelled.name
        log.info("%s: %d rows, %d new texts", unlabelled.name, len(texts), len(found) - before)
    return found


def evaluation_texts(config: TrainingConfig, folder: Path) -> frozenset[str]:
    """The canonical texts of all evaluation sets, rows that evaluation itself leaves out included."""
    whole = (msgspec.structs.replace(labelled, exclude=None) for labelled in config.evaluation)
    return frozenset(
        canonical(example.text)
        for labelled in whole
        for example in read_examples(labelled, config.heads[labelled.head].coding, folder)
    )


def majority(votes: Counter[Example]) -> Example | None:
    """The first example with the label that most copies of the text have; None where two labels tie."""
    by_label: Counter[str] = Counter()
    for example, count in votes.items():
        by_label[example.label] += count
    (label, most), *others = by_label.most_common(2)
    if others and others[0][1] == most:
        return None
    return next(example for example in votes if example.label == label)


def _check_classes(config: TrainingConfig, train: tuple[Example, ...], dev: tuple[Example, ...]) -> None:
    found = {(e.head, e.label) for e in train}
    for name, head in config.heads.items():
        missing = [label for label in head.labels if (name, label) not in found]
        if missing:
            raise TrainingError(
                f"heads.{name}: no training text is labelled {missing[0]!r}; remove the label or add data"
            )
        if not any(e.head == name for e in dev):
            raise TrainingError(
                f"heads.{name}: no text left to choose the epoch on; raise hyperparameters.dev_share or add data"
            )
