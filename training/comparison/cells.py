"""The types of a comparison: its cells, the input of a cell and its result."""

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
    """A method, trained with `label_percent` per cent of the labels.

    `head`: None where one training serves all heads. `model`: hash of the exported model that is evaluated instead of
    training one.
    """

    method: str
    label_percent: float
    head: str | None
    model: str | None = None

    @property
    def name(self) -> str:
        return f"{self.method}, {self.label_percent:g} % of the labels, {self.head or 'all heads'}"

    @property
    def file(self) -> str:
        parts = (
            self.method,
            f"{self.label_percent:g}",
            self.head or "all",
            *([self.model] if self.model else []),
        )
        return quote("-".join(parts).replace(" ", "-"), safe="") + ".json"


@dataclass(frozen=True)
class Tests:
    """The evaluation sets of one head, joined; `sets`: name of a set -> its rows."""

    texts: tuple[str, ...]
    truth: NDArray[np.int64]  # (n,), indices of the head's labels
    sets: dict[str, slice]


@dataclass(frozen=True)
class Task:
    """The input of a cell. `corpus`: the cell's part of the labels. `model`: the folder of BERT with all labels."""

    config: TrainingConfig
    corpus: Corpus
    tests: dict[str, Tests]
    data: Path
    model: Path
    scratch: Path  # a folder to train in, removed afterwards
    created: datetime


@dataclass(frozen=True)
class Trained:
    """A trained model. `predict`: texts -> head -> (n_texts, n_labels).

    Where `probabilities` is false, `predict` gives 1 for the predicted label and 0 for the others. Seconds and memory
    are of training alone, None where the model was not trained here. `chosen`: what was chosen on the dev split.
    """

    predict: Callable[[Sequence[str]], dict[str, NDArray[np.float64]]]
    probabilities: bool
    chosen: str
    training_seconds: float | None
    peak_memory_bytes: int | None
    size_bytes: int
    engine: str  # scikit-learn, or an engine of models/engines.py


class CellMetrics(msgspec.Struct, frozen=True):
    """Metrics of one head. `ece`: None without probabilities. `sets`, `variants`: name -> accuracy."""

    accuracy: float
    accuracy_interval: Interval
    macro_f1: float
    macro_f1_interval: Interval
    ece: float | None
    sets: dict[str, float]
    variants: dict[str, float]
    documents_per_second: float


class Result(msgspec.Struct, frozen=True):
    """The result of a cell. `right`: head -> "1" or "0" for each test text, for paired comparisons of two cells."""

    cell: Cell
    metrics: dict[str, CellMetrics]
    chosen: str
    training_seconds: float | None
    peak_memory_bytes: int | None
    size_bytes: int
    right: dict[str, str]
    engine: str = "an engine not recorded"  # in cells of an older version


class Split(msgspec.Struct, frozen=True):
    """How many texts a percentage of the labels leaves for a head; `lost`: labels that no training text has left."""

    head: str
    label_percent: float
    train: int
    dev: int
    lost: tuple[str, ...]

    @property
    def labels(self) -> int:
        return self.train + self.dev


class About(msgspec.Struct, frozen=True):
    """How the comparison was made; `notes`: what a reader must know to read its figures."""

    configuration: str
    base_model: str
    seed: int
    created: datetime
    model: str | None
    cpus: int
    versions: dict[str, str]
    notes: tuple[str, ...]
