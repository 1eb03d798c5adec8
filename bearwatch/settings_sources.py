"""Where settings come from besides flags: the file `bearwatch.toml` and the environment, both checked at the start."""

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from bearwatch.core.nearest import nearest
from bearwatch.core.toml_files import read_toml
from bearwatch.errors import SettingsError
from bearwatch.settings import ENVIRONMENT, SETTINGS

FILE = Path("bearwatch.toml")
LARGEST = 2**53  # of whole numbers that a float holds exactly


def from_file(path: Path = FILE) -> dict[str, Any]:
    """The settings file's content, if there is one.

    Raises:
        SettingsError: it is not TOML, or has a key that is not a setting.
    """
    try:
        content = read_toml(path) if is_there(path) else {}
    except (OSError, ValueError) as error:
        raise SettingsError(f"{path}: cannot be read as settings: {error}") from None
    for key in content:
        _reject_unknown(key, key, str(path))
        _check_type(key, content[key], path)
    return content


def is_there(path: Path) -> bool:
    """Whether there is a file. Raises OSError where something else is: reading a pipe would wait for ever."""
    if path.is_symlink() and not path.exists():
        raise OSError(errno.ENOENT, "it is a link that leads nowhere")
    if path.exists() and not path.is_file():
        raise OSError(errno.EINVAL, "it is not a file")
    return path.exists()


def _check_type(key: str, value: object, path: Path) -> None:
    """Click would turn true into 1 and a list into its text. Raises SettingsError."""
    kind = SETTINGS[key].get("type")
    if isinstance(kind, click.IntRange):
        fits, what = type(value) is int, f"a whole number, as in {key} = 9108"
    elif isinstance(kind, click.FloatRange):
        fits, what = type(value) in (int, float), f"a number, as in {key} = 20"
    else:
        fits, what = isinstance(value, str), f'a text, as in {key} = "..."'
    if not fits:
        raise SettingsError(f"{path}: {key} = {value!r} is not {what}")
    if isinstance(value, str) and "\0" in value:
        raise SettingsError(f"{path}: {key} = {value!r} must not hold the character zero")
    if isinstance(value, int) and abs(value) > LARGEST:
        raise SettingsError(f"{path}: {key} = {value} is larger than {LARGEST}")


def check_environment(environ: Mapping[str, str]) -> None:
    """Reject a variable that looks like a setting and is not one.

    Raises:
        SettingsError: naming the variable and the nearest known one.
    """
    for name in environ:
        if name.startswith(ENVIRONMENT):
            _reject_unknown(name.removeprefix(ENVIRONMENT).lower(), name, "environment")


def _reject_unknown(key: str, written: str, where: str) -> None:
    if key not in SETTINGS:
        closest = str(nearest(key, SETTINGS))
        known = ENVIRONMENT + closest.upper() if written != key else closest
        raise SettingsError(f"{where}: unknown setting {written}; the nearest known one is {known}")
