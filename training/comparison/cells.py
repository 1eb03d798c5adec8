"""What a comparison is made of: cells to fill in, what each is given, and what it found."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import msgspec
import numpy as np
from numpy.typing import NDArray

from training.config import TrainingConfig
from training.data.corpus import Corpus
from training.evaluation.intervals import Interval

BERT = "BERT"
LOGISTIC, SVM, BAYES = "logistic regression", "linear SVM", "complement naive Bayes"
SIMPLE = (LOGISTIC, SVM, BAYES)
CLEAN, TYPING_5, TYPING_10, UPPER = VARIANTS = ("clean", "typing 5 %", "typing 10 %", "upper case")


class Cell(msgspec.Struct, frozen=True):
    """A method with a share of the labels, in per cent. `head` is None where one training serves all heads.

    `model`: hash of the exported model that is measured, where none is trained.
    """

    method: str
    share: float
    head: str | None
    model: str | None = None

    @property
    def name(self) -> str:
        return f"{self.method}, {self.share:g} % of the labels, {self.head or 'all heads'}"

    @property
    def file(self) -> str:
        parts = (self.method, f"{self.share:g}", self.head or "all", *([self.model] if self.model else []))
        return quote("-".join(parts).replace(" ", "-"), safe="") + ".json"


@dataclass(frozen=True)
class Tests:
    """The evaluation sets of one head, one after the other; `sets`: name -> its rows."""

    texts: tuple[str, ...]
    truth: NDArray[np.int64]  # (n,), places in the head's labels
    sets: dict[str, slice]


@dataclass(frozen=True)
class Task:
    """What a cell is given. `corpus` is already the cell's share; `model` is BERT with all labels."""

    config: TrainingConfig
    corpus: Corpus
    tests: dict[str, Tests]
    data: Path
    model: Path
    scratch: Path  # a folder to train in, removed afterwards
    created: datetime


@dataclass(frozen=True)
class Trained:
    """A model that can be asked: texts -> head -> (n_texts, n_labels); without `probabilities` 1 for its answer.

    Seconds and memory are those of training alone, None where that happened elsewhere.
    """

    says: Callable[[Sequence[str]], dict[str, NDArray[np.float64]]]
    probabilities: bool
    chosen: str  # on the dev split
    training_seconds: float | None
    peak_memory_bytes: int | None
    size_bytes: int
    engine: str  # what answers: scikit-learn, or an engine of models/engines.py


class Figures(msgspec.Struct, frozen=True):
    """Of one head. `ece` is None without probabilities; `sets` and `variants`: name -> accuracy."""

    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    macro_f1_interval: Interval
    ece: float | None
    sets: dict[str, float]
    variants: dict[str, float]
    documents_per_second: float


class Result(msgspec.Struct, frozen=True):
    """What a cell found. `right`: head -> for each test text 1 or 0, so that two cells can be compared in pairs."""

    cell: Cell
    figures: dict[str, Figures]
    chosen: str
    training_seconds: float | None
    peak_memory_bytes: int | None
    size_bytes: int
    right: dict[str, str]
    engine: str = "an engine not recorded"  # in cells from before it was kept


class Split(msgspec.Struct, frozen=True):
    """How much a share leaves for a head; `lost`: labels that no training text has any more."""

    head: str
    share: float
    train: int
    dev: int
    lost: tuple[str, ...]

    @property
    def labels(self) -> int:
        return self.train + self.dev


class About(msgspec.Struct, frozen=True):
    """Where the figures come from; `notes` is what a reader must know to read them."""

    configuration: str
    base_model: str
    seed: int
    created: datetime
    model: str | None
    cpus: int
    versions: dict[str, str]
    notes: tuple[str, ...]
