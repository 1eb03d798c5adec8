"""A training run as a TOML file: base model, heads, data sets, hyperparameters, distillation, evaluation sets, seed.

Paths of data sets are relative to `--data-dir` (the folder of the TOML file unless given).
"""

import difflib
import json
import math
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from training.errors import TrainingConfigError

Positive = Annotated[float, msgspec.Meta(gt=0)]
Part = Annotated[float, msgspec.Meta(ge=0, lt=1)]
Share = Annotated[float, msgspec.Meta(gt=0, le=1)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class Strict(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A table of the TOML file: a key it does not define is an error."""


class Head(Strict, frozen=True, kw_only=True):
    """One question the model answers. `aliases`: what labelled files write for a label, numbers included.

    Where no alias and no label is a number, the number i means the i-th label, counted from 0.
    """

    labels: tuple[str, ...]
    aliases: dict[str, str] = {}

    @property
    def coding(self) -> dict[str, str]:
        """Every spelling of a label in a labelled file, names in lower case -> the label."""
        spelled = {alias.casefold(): label for alias, label in self.aliases.items()}
        numbered = any(name.isdigit() for name in (*self.aliases, *self.labels))
        positions = {} if numbered else {str(i): label for i, label in enumerate(self.labels)}
        return positions | spelled | {label.casefold(): label for label in self.labels}


class TextSet(Strict, frozen=True, kw_only=True):
    """A file of texts. Unless `format` is given, its ending says it.

    `share`: only the texts whose hash falls into [from, to) of [0, 1), so that a training set and an evaluation set
    can part one file between them.
    """

    name: str
    path: str
    text: str = "text"
    format: Literal["csv", "jsonl", "parquet"] | None = None
    separator: str = ","
    share: tuple[float, float] = (0.0, 1.0)
    licence: str = ""


class LabelledSet(TextSet, frozen=True, kw_only=True):
    """A labelled file. `labels` says what this file writes for a label, where it is not the head's aliases.

    `label_pattern`: a regular expression whose first group finds labels in the label column; a row
    whose matches disagree has no label and is left out. `exclude`: a file of zero-based data rows to leave out.
    `skip_unlabelled`: rows with an empty label are left out too, instead of being an error.
    """

    head: str
    label: str = "label"
    labels: dict[str, str] = {}
    label_pattern: str | None = None
    skip_unlabelled: bool = False
    exclude: str | None = None


class Distillation(Strict, frozen=True, kw_only=True):
    """Learn from trained models (`bearwatch train --teacher`) beside the labels, from `unlabelled` texts as well.

    The target of a labelled text's head is (1 - weight) of its label and `weight` of the teachers' mean
    probabilities; of every other head, and for unlabelled texts, the teachers' alone. Ensembles into one model:
    Bucila, Caruana and Niculescu-Mizil 2006, "Model Compression"; mixed with the labels: Hinton, Vinyals and Dean
    2015, "Distilling the Knowledge in a Neural Network" (at temperature 1). `altered_copies` of each labelled text are
    unlabelled texts as well (training/data/augmentation.py).
    """

    weight: Share = 0.7
    altered_copies: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    unlabelled: tuple[TextSet, ...] = ()


class Hyperparameters(Strict, frozen=True, kw_only=True):
    """How to fit. Learning rates are the peaks of a linear warm-up and decay.

    `patience`: end after so many epochs in a row without a better score on dev; unless given, run them all.
    """

    epochs: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 4
    batch_tokens: Annotated[int, msgspec.Meta(le=2**24)] = 1024  # at least max_tokens
    encoder_learning_rate: Positive = 1e-4
    head_learning_rate: Positive = 1e-3
    warmup_ratio: Part = 0.08
    weight_decay: Annotated[float, msgspec.Meta(ge=0)] = 0.01
    dropout: Part = 0.1
    label_smoothing: Part = 0.0
    max_gradient_norm: Positive = 1.0
    dev_share: Annotated[float, msgspec.Meta(gt=0, le=0.5)] = 0.08
    checkpoint_steps: Count = 200
    patience: Count | None = None


class Calibration(Strict, frozen=True, kw_only=True):
    """Beside the temperature, which needs no setting: how many of the answers that are given are to be right."""

    abstain_accuracy: Share = 0.95


class Tracking(Strict, frozen=True, kw_only=True):
    """Where a run's curves go beside the log; both write into the folder of the run."""

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
    max_tokens: Annotated[int, msgspec.Meta(ge=8, le=2**16)] = 96
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1
    intended_use: str = ""
    not_for: str = ""


def load_config(path: Path, changes: Sequence[str] = ()) -> TrainingConfig:
    """The file with `changes`, KEY=VALUE each: a key as TOML dots it, a value as TOML writes it or a plain word.

    Raises TrainingConfigError naming the file, the key and the nearest known one.
    """
    try:
        table = tomllib.loads(path.read_text("utf-8"))
    except OSError as error:
        raise TrainingConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, RecursionError) as error:  # also of a number of thousands of digits
        raise TrainingConfigError(f"{path}: not TOML: {error}") from error
    for change in changes:
        _change(table, change)
    try:
        return parse_config(table)
    except TrainingConfigError as error:
        raise TrainingConfigError(f"{path}: {error}") from error


def _change(table: dict[str, Any], change: str) -> None:
    wanted = _toml(change)
    if not wanted or "\n" in change or change.lstrip().startswith("["):
        raise TrainingConfigError(f"{change!r} is no change: write KEY=VALUE, such as seed=2")
    while len(wanted) == 1 and isinstance(inner := next(iter(wanted.values())), dict) and inner:
        (place,) = wanted
        table, wanted = table.setdefault(place, {}), inner
        if not isinstance(table, dict):
            raise TrainingConfigError(f"{change!r}: {place} is no table with keys of its own")
    table.update(wanted)


def _toml(change: str) -> dict[str, Any]:
    """The change as TOML, its value quoted where only that makes it TOML; empty where nothing does."""
    key, separator, value = change.partition("=")
    for written in (change, f"{key}={json.dumps(value.strip(), ensure_ascii=False)}") if separator else ():
        try:
            written.encode()
            return tomllib.loads(written)
        except (ValueError, RecursionError):  # a number of thousands of digits, lists of thousands of levels
            continue
    return {}


def parse_config(table: dict[str, Any]) -> TrainingConfig:
    """A configuration from its decoded TOML table, checked as a whole."""
    try:
        config = msgspec.convert(table, TrainingConfig)
    except msgspec.ValidationError as error:
        raise TrainingConfigError(_with_nearest_key(str(error))) from error
    _check(config)
    return config


def nearest(word: str, known: list[str]) -> str:
    """'; did you mean ...?' for a word close to a known one, else the list of known ones."""
    close = difflib.get_close_matches(word, known, n=1)
    return f"did you mean {close[0]!r}?" if close else f"known are {', '.join(map(repr, known))}"


_TABLES: dict[str, type[Strict]] = {
    "$": TrainingConfig,
    "$.heads[...]": Head,
    "$.datasets[...]": LabelledSet,
    "$.evaluation[...]": LabelledSet,
    "$.hyperparameters": Hyperparameters,
    "$.distillation": Distillation,
    "$.calibration": Calibration,
    "$.tracking": Tracking,
    "$.distillation.unlabelled[...]": TextSet,
}


def _with_nearest_key(message: str) -> str:
    """msgspec's message, and for an unknown key the nearest one of the table it stands in."""
    unknown = re.fullmatch(r"Object contains unknown field `(.*?)`(?: - at `(.*)`)?", message)
    if not unknown:
        return message.replace("`$.", "`")
    key, place = unknown[1], unknown[2] or "$"
    table = _TABLES[re.sub(r"\[[^]]*\]", "[...]", place)]
    where = f" in {place.removeprefix('$.')}" if place != "$" else ""
    return f"unknown key {key!r}{where}; {nearest(key, list(table.__struct_fields__))}"


def _check(config: TrainingConfig) -> None:
    for name, head in config.heads.items():
        if len(head.labels) < 2 or len({label.casefold() for label in head.labels}) != len(head.labels):
            raise TrainingConfigError(
                f"heads.{name}.labels needs at least two labels, each once whatever its case"
            )
        _check_labels(f"heads.{name}.aliases", head.aliases, head)
        own = {label.casefold(): label for label in head.labels}
        for alias, label in head.aliases.items():
            if own.get(alias.casefold(), label) != label:
                raise TrainingConfigError(
                    f"heads.{name}.aliases: {alias} = {label!r}, but {alias!r} is a label itself"
                )
    if not config.datasets:
        raise TrainingConfigError("there is nothing to train on: add a [[datasets]] table")
    for kind, sets in (("datasets", config.datasets), ("evaluation", config.evaluation)):
        for one in sets:
            _check_set(f"{kind} {one.name!r}", one, config.heads)
    unlabelled = config.distillation.unlabelled if config.distillation else ()
    for texts in unlabelled:
        _check_share(f"distillation.unlabelled {texts.name!r}", texts.share)
    names = [one.name for one in (*config.datasets, *config.evaluation, *unlabelled)]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise TrainingConfigError(f"the name {min(repeated)!r} is given to two data sets")
    unanswered = set(config.heads) - {one.head for one in config.datasets}
    if unanswered:
        raise TrainingConfigError(f"heads.{min(unanswered)}: no data set in [[datasets]] labels this head")
    _check_hyperparameters(config.hyperparameters, config.max_tokens)


def _check_hyperparameters(h: Hyperparameters, max_tokens: int) -> None:
    """What the types of the fields do not say."""
    for key, value in msgspec.structs.asdict(h).items():
        if value == math.inf:
            raise TrainingConfigError(f"hyperparameters.{key} must be a finite number, not {value}")
    if h.batch_tokens < max_tokens:
        raise TrainingConfigError(
            f"hyperparameters.batch_tokens ({h.batch_tokens}) must be at least max_tokens ({max_tokens}), or no batch "
            "holds the longest text"
        )


def _check_set(where: str, labelled: LabelledSet, heads: dict[str, Head]) -> None:
    if labelled.head not in heads:
        raise TrainingConfigError(
            f"{where}: no head {labelled.head!r}; {nearest(labelled.head, list(heads))}"
        )
    _check_labels(f"{where}: labels", labelled.labels, heads[labelled.head])
    check_choice(where, labelled)


def check_choice(where: str, labelled: LabelledSet) -> None:
    """Raises TrainingConfigError for a share or a pattern that chooses no rows."""
    _check_share(where, labelled.share)
    try:
        groups = re.compile(labelled.label_pattern or "()").groups
    except (re.error, OverflowError, RecursionError) as error:
        raise TrainingConfigError(f"{where}: label_pattern is no regular expression: {error}") from error
    if groups != 1:
        raise TrainingConfigError(
            f"{where}: label_pattern needs exactly one group, the label; it has {groups}"
        )


def _check_share(where: str, share: tuple[float, float]) -> None:
    low, high = share
    if not 0 <= low < high <= 1:
        raise TrainingConfigError(f"{where}: share must be [from, to] with 0 <= from < to <= 1, not {share}")


def _check_labels(where: str, spelling: dict[str, str], head: Head) -> None:
    for written, label in spelling.items():
        if label not in head.labels:
            raise TrainingConfigError(
                f"{where}: {written} = {label!r} is no label; {nearest(label, list(head.labels))}"
            )
