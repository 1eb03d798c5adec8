"""Settings that several commands share: `bearwatch.toml`, then `BEARWATCH_*`, then flags; the last one counts.

The file is flat: `broker = "kafka:9092"`. Each name is a flag (`--broker`), an environment variable
(`BEARWATCH_BROKER`) and a key of the file.
"""

import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from bearwatch.core.nearest import nearest
from bearwatch.errors import SettingsError
from models.classifier import BUNDLED
from models.engines import AUTO, ENGINES
from stream.settings import WorkerSettings

FILE = Path("bearwatch.toml")
ENVIRONMENT = "BEARWATCH_"
Command = TypeVar("Command", bound=Callable[..., Any])

folder = click.Path(exists=True, file_okay=False, path_type=Path)
file = click.Path(exists=True, dir_okay=False, path_type=Path)
seconds = click.FloatRange(0, min_open=True)
default = WorkerSettings(broker="")

SETTINGS: dict[str, dict[str, Any]] = {
    "broker": {"required": True, "metavar": "HOST:PORT", "help": "Kafka's address; several with commas."},
    "prefix": {"default": default.prefix, "help": "What every topic's name starts with."},
    "group": {"default": default.group, "help": "Consumer group; its workers share the partitions."},
    "policy": {
        "type": file,
        "default": None,
        "help": "What an alert is (TOML). [default: the shipped policy]",
    },
    "model": {
        "type": folder,
        "default": BUNDLED,
        "show_default": "the bundled model",
        "help": "Model artifact.",
    },
    "engine": {"type": click.Choice([AUTO, *ENGINES]), "default": AUTO, "help": "What runs the model."},
    "metrics_host": {"default": default.metrics_host, "help": "Where /metrics and /healthz listen."},
    "metrics_port": {
        "type": click.IntRange(1, 65535),
        "default": default.metrics_port,
        "help": "Their port.",
    },
    "session_timeout_seconds": {
        "type": click.FloatRange(6),
        "default": default.session_timeout_seconds,
        "help": "A worker silent for longer loses its partitions.",
    },
    "broker_timeout_seconds": {
        "type": seconds,
        "default": default.broker_timeout_seconds,
        "help": "Without the broker for longer, a worker exits.",
    },
    "stuck_after_seconds": {
        "type": seconds,
        "default": default.stuck_after_seconds,
        "help": "With lag and no commit for longer, a worker exits.",
    },
}


def settings(*names: str) -> Callable[[Command], Command]:
    """Give a command the flags of these settings."""

    def decorate(command: Command) -> Command:
        for name in reversed(names):
            options = {"show_default": True, "envvar": ENVIRONMENT + name.upper(), **SETTINGS[name]}
            command = click.option("--" + name.replace("_", "-"), **options)(command)
        return command

    return decorate


def from_file(path: Path = FILE) -> dict[str, Any]:
    """The settings file's content, if there is one.

    Raises:
        SettingsError: it is no TOML, or has a key that is no setting.
    """
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise SettingsError(f"{path}: cannot be read as settings: {error}") from None
    for key in content:
        _refuse_unknown(key, key, str(path))
    return content


def check_environment(environ: Mapping[str, str]) -> None:
    """Refuse a variable that looks like a setting and is none.

    Raises:
        SettingsError: naming the variable and the nearest known one.
    """
    for name in environ:
        if name.startswith(ENVIRONMENT):
            _refuse_unknown(name.removeprefix(ENVIRONMENT).lower(), name, "environment")


def _refuse_unknown(key: str, written: str, where: str) -> None:
    if key not in SETTINGS:
        closest = str(nearest(key, SETTINGS))
        known = ENVIRONMENT + closest.upper() if written != key else closest
        raise SettingsError(f"{where}: unknown setting {written}; the nearest known one is {known}")
