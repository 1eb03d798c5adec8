"""What the types of a training configuration do not express: labels, names and limits that must fit each other."""

import math
import re
from collections.abc import Mapping

import msgspec

from bearwatch.core.nearest import nearest
from training.config import Head, Hyperparameters, LabelledSet, TrainingConfig
from training.errors import TrainingConfigError


def check_config(config: TrainingConfig) -> None:
    """Raises TrainingConfigError for the first thing that does not fit; the message names the key."""
    for name, head in config.heads.items():
        _check_head(f"heads.{name}", head)
    if not config.heads:
        raise TrainingConfigError("there is nothing to learn: add a [heads.NAME] table")
    if not config.datasets:
        raise TrainingConfigError("there is nothing to train on: add a [[datasets]] table")
    for kind, sets in (("datasets", config.datasets), ("evaluation", config.evaluation)):
        for labelled in sets:
            _check_set(f"{kind} {labelled.name!r}", labelled, config.heads)
    unlabelled = config.distillation.unlabelled if config.distillation else ()
    for texts in unlabelled:
        _check_hash_range(f"distillation.unlabelled {texts.name!r}", texts.hash_range)
    names = [each.name for each in (*config.datasets, *config.evaluation, *unlabelled)]
    if repeated := {name for name in names if names.count(name) > 1}:
        raise TrainingConfigError(f"the name {min(repeated)!r} is given to two data sets")
    if unanswered := set(config.heads) - {each.head for each in config.datasets}:
        raise TrainingConfigError(f"heads.{min(unanswered)}: no data set in [[datasets]] labels this head")
    _check_hyperparameters(config.hyperparameters, config.max_tokens)


def check_row_selection(where: str, labelled: LabelledSet) -> None:
    """Raises TrainingConfigError, starting with `where`, for a hash range or a label pattern that selects no rows."""
    _check_hash_range(where, labelled.hash_range)
    try:
        groups = re.compile(labelled.label_pattern or "()").groups
    except (re.error, OverflowError, RecursionError) as error:
        raise TrainingConfigError(f"{where}: label_pattern is not a regular expression: {error}") from error
    if groups != 1:
        raise TrainingConfigError(
            f"{where}: label_pattern needs exactly one group, the label; it has {groups}"
        )


def _check_head(where: str, head: Head) -> None:
    if len(head.labels) < 2 or len({label.casefold() for label in head.labels}) != len(head.labels):
        raise TrainingConfigError(
            f"{where}.labels needs at least two labels, and they must differ in more than upper and lower case"
        )
    _check_labels(f"{where}.aliases", head.aliases, head)
    own = {label.casefold(): label for label in head.labels}
    for alias, label in head.aliases.items():
        if own.get(alias.casefold(), label) != label:
            raise TrainingConfigError(
                f"{where}.aliases: {alias} = {label!r}, but {alias!r} is a label itself"
            )


def _check_set(where: str, labelled: LabelledSet, heads: Mapping[str, Head]) -> None:
    if labelled.head not in heads:
        raise TrainingConfigError(
            f"{where}: no head {labelled.head!r}; the nearest known one is {nearest(labelled.head, heads)!r}"
        )
    _check_labels(f"{where}: label_mapping", labelled.label_mapping, heads[labelled.head])
    check_row_selection(where, labelled)


def _check_labels(where: str, mapping: Mapping[str, str], head: Head) -> None:
    for raw, label in mapping.items():
        if label not in head.labels:
            raise TrainingConfigError(
                f"{where}: {raw} = {label!r} is not a label; the nearest known one is "
                f"{nearest(label, head.labels)!r}"
            )


def _check_hash_range(where: str, hash_range: tuple[float, float]) -> None:
    low, high = hash_range
    if not 0 <= low < high <= 1:
        raise TrainingConfigError(
            f"{where}: hash_range must be [from, to] with 0 <= from < to <= 1, not {hash_range}"
        )


def _check_hyperparameters(h: Hyperparameters, max_tokens: int) -> None:
    for key, value in msgspec.structs.asdict(h).items():
        if value == math.inf:
            raise TrainingConfigError(f"hyperparameters.{key} must be a finite number, not {value}")
    if h.batch_tokens < max_tokens:
        raise TrainingConfigError(
            f"hyperparameters.batch_tokens ({h.batch_tokens}) must be at least max_tokens ({max_tokens}), or the "
            "longest text fits into no batch"
        )
