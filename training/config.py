"""What a training run is: base model, heads, data sets, hyperparameters, distillation, evaluation sets, seed.

`training/config_file.py` reads it from TOML. Paths of data sets are relative to `--data-dir` (the folder of the TOML
file unless given).
"""

from typing import Annotated, Literal

import msgspec

Positive = Annotated[float, msgspec.Meta(gt=0)]
Fraction = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Ratio = Annotated[float, msgspec.Meta(gt=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the TOML file: a key it does not define is an error."""


class Head(Strict, frozen=True, kw_only=True):
    """One question that the model answers, with its labels in the order of the model's outputs.

    `aliases`: raw label in labelled files, numbers included -> label. Where no alias and no label is a number, the
    number i means the i-th label, counted from 0.
    """

    labels: tuple[str, ...]
    aliases: dict[str, str] = {}

    @property
    def label_mapping(self) -> dict[str, str]:
        """Every raw label that a labelled file may hold, in lower case -> the label it means."""
        aliases = {alias.casefold(): label for alias, label in self.aliases.items()}
        numbered = any(name.isdigit() for name in (*self.aliases, *self.labels))
        positions = {} if numbered else {str(i): label for i, label in enumerate(self.labels)}
        return positions | aliases | {label.casefold(): label for label in self.labels}


class TextSet(Strict, frozen=True, kw_only=True):
    """A file of texts. Without `format`, the ending of the file name decides.

    `hash_range`: only the texts whose hash falls into [from, to) of [0, 1), so that a training set and an evaluation
    set can divide one file between them.
    """

    name: str
    path: str
    text: str = "text"
    format: Literal["csv", "jsonl", "parquet"] | None = None
    separator: str = ","
    hash_range: tuple[float, float] = (0.0, 1.0)
    licence: str = ""


class LabelledSet(TextSet, frozen=True, kw_only=True):
    """A labelled file. `label_mapping`: raw label in this file -> label, where it differs from the head's aliases.

    `label_pattern`: a regular expression whose first group finds raw labels in the label column; a row
    whose matches disagree has no label and is left out. `exclude`: a file of zero-based data rows to leave out.
    `skip_unlabelled`: rows with an empty label are left out too, instead of being an error.
    """

    head: str
    label: str = "label"
    label_mapping: dict[str, str] = {}
    label_pattern: str | None = None
    skip_unlabelled: bool = False
    exclude: str | None = None


class Distillation(Strict, frozen=True, kw_only=True):
    """Learn from trained models (`bearwatch train --teacher`) as well as from labels, also on `unlabelled` texts.

    For the head that a text is labelled for, the target is (1 - weight) times the label plus `weight` times the mean
    probabilities of the teachers. For its other heads, and for unlabelled texts, it is the teachers' mean alone.
    Ensembles into one model: Bucila, Caruana and Niculescu-Mizil 2006, "Model Compression"; mixed with the labels:
    Hinton, Vinyals and Dean 2015, "Distilling the Knowledge in a Neural Network" (at temperature 1).
    `augmented_copies` of each labelled text are used as unlabelled texts (training/data/augmentation.py).
    """

    weight: Ratio = 0.7
    augmented_copies: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    unlabelled: tuple[TextSet, ...] = ()


class Hyperparameters(Strict, frozen=True, kw_only=True):
    """How to fit. Learning rates are the peaks of a linear warm-up and decay.

    `patience`: stop after this many epochs in a row without a better score on the dev split; without it, run all
    epochs. `dev_ratio`: the ratio of texts that are not trained on but choose the epoch and set the temperature.
    """

    epochs: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 4
    batch_tokens: Annotated[int, msgspec.Meta(le=2**24)] = 1024  # at least max_tokens
    encoder_learning_rate: Positive = 1e-4
    head_learning_rate: Positive = 1e-3
    warmup_ratio: Fraction = 0.08
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.01
    dropout: Fraction = 0.1
    label_smoothing: Fraction = 0.0
    max_gradient_norm: Positive = 1.0
    dev_ratio: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = 0.08
    checkpoint_steps: Count = 200
    patience: Count | None = None


class Calibration(Strict, frozen=True, kw_only=True):
    """`abstain_accuracy`: the accuracy that the answers above the abstention threshold should have.

    The temperature needs no setting.
    """

    abstain_accuracy: Ratio = 0.95


class Tracking(Strict, frozen=True, kw_only=True):
    """Experiment trackers that get the curves of a run in addition to the log; both write into the run's folder."""

    tensorboard: bool = False
    wandb: Literal["offline", "online"] | None = None
    project: str = "bearwatch"


class TrainingConfig(Strict, frozen=True, kw_only=True):
    """The whole file. Texts are cut at `max_tokens`, special tokens included, in training and in serving.

    `intended_use` and `not_for` go into the model card.
    """

    base_model: str
    heads: dict[str, Head]
    datasets: tuple[LabelledSet, ...]
    evaluation: tuple[LabelledSet, ...] = ()
    hyperparameters: Hyperparameters = Hyperparameters()
    distillation: Distillation | None = None
    calibration: Calibration = Calibration()
    tracking: Tracking = Tracking()
    max_tokens: Annotated[int, msgspec.Meta(ge=8, le=8192)] = 96
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1
    intended_use: str = ""
    not_for: str = ""
