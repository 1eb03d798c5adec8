"""A training configuration from its TOML file, with single values changed on the command line (`--set KEY=VALUE`)."""

import json
import re
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from bearwatch.core.nearest import nearest
from bearwatch.core.toml_files import read_toml
from training.config import (
    Calibration,
    Distillation,
    Head,
    Hyperparameters,
    LabelledSet,
    Strict,
    TextSet,
    Tracking,
    TrainingConfig,
)
from training.config_checks import check_config
from training.errors import TrainingConfigError

TABLES: dict[str, type[Strict]] = {  # where msgspec says an error is -> the table there
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
RENAMED: dict[type[Strict], dict[str, str]] = {  # former key -> its name today
    TextSet: {"share": "hash_range"},
    LabelledSet: {"share": "hash_range", "labels": "label_mapping"},
    Hyperparameters: {"dev_share": "dev_ratio"},
    Distillation: {"altered_copies": "augmented_copies"},
}


def load_config(path: Path, changes: Sequence[str] = ()) -> TrainingConfig:
    """Read the file and apply `changes`, each KEY=VALUE: a dotted TOML key, and a TOML value or a plain word.

    Raises:
        TrainingConfigError: naming the file, the key and the nearest known one, or the new name of a renamed key.
    """
    try:
        table = read_toml(path)
    except OSError as error:
        raise TrainingConfigError(f"{path}: cannot be read: {error.strerror}") from error
    except ValueError as error:
        raise TrainingConfigError(f"{path}: not TOML: {error}") from error
    for change in changes:
        _change(table, change)
    try:
        return parse_config(table)
    except TrainingConfigError as error:
        raise TrainingConfigError(f"{path}: {error}") from error


def parse_config(table: dict[str, Any]) -> TrainingConfig:
    """A configuration from its decoded TOML table, checked as a whole. Raises TrainingConfigError."""
    try:
        config = msgspec.convert(table, TrainingConfig)
    except msgspec.ValidationError as error:
        raise TrainingConfigError(_explained(str(error))) from error
    check_config(config)
    return config


def _change(table: dict[str, Any], change: str) -> None:
    """Apply one KEY=VALUE to the table, in place."""
    value = _toml(change)
    if not value or "\n" in change or change.lstrip().startswith("["):
        raise TrainingConfigError(f"{change!r} is not a change: write KEY=VALUE, such as seed=2")
    while len(value) == 1 and isinstance(inner := next(iter(value.values())), dict) and inner:
        (key,) = value
        table, value = table.setdefault(key, {}), inner
        if not isinstance(table, dict):
            raise TrainingConfigError(f"{change!r}: {key} is not a table with keys of its own")
    table.update(value)


def _toml(change: str) -> dict[str, Any]:
    """The change as TOML, with its value in quotes where it is not TOML without; empty where neither is."""
    key, separator, value = change.partition("=")
    for line in (change, f"{key}={json.dumps(value.strip(), ensure_ascii=False)}") if separator else ():
        try:
            line.encode()
            return tomllib.loads(line)
        except (ValueError, RecursionError):  # a number of thousands of digits, lists of thousands of levels
            continue
    return {}


def _explained(message: str) -> str:
    """msgspec's message; for an unknown key, with the new name of that key or the nearest key of the same table."""
    unknown = re.fullmatch(r"Object contains unknown field `(.*?)`(?: - at `(.*)`)?", message)
    if not unknown:
        return message.replace("`$.", "`")
    key, place = unknown[1], unknown[2] or "$"
    table = TABLES[re.sub(r"\[[^]]*\]", "[...]", place)]
    where = f" in {place.removeprefix('$.')}" if place != "$" else ""
    if new := RENAMED.get(table, {}).get(key):
        return f"the key {key!r}{where} is now called {new!r}"
    return f"unknown key {key!r}{where}; the nearest known one is {nearest(key, table.__struct_fields__)!r}"
