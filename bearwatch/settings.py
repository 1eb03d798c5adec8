"""Settings that several commands share: `bearwatch.toml`, then `BEARWATCH_*`, then flags; the last one counts.

The file is flat: `broker = "kafka:9092"`. Each name is a flag (`--broker`), an environment variable
(`BEARWATCH_BROKER`) and a key of the file.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import click

from alerting.notify.credentials import Credentials
from alerting.notify.silences import Alertmanager
from bearwatch.options import Group, Host, TopicPrefix
from models.classifier import BUNDLED
from models.engines import AUTO, ENGINES
from stream.kafka.connection import MECHANISMS, PROTOCOLS, KafkaConnection
from stream.settings import WorkerSettings

ENVIRONMENT = "BEARWATCH_"
LONGEST_SESSION_SECONDS = 86_400.0  # Kafka itself takes milliseconds of 31 bits
CONNECTION = (
    "broker",
    "security_protocol",
    "sasl_mechanism",
    "sasl_username",
    "sasl_password_file",
    "ssl_ca_file",
    "ssl_certificate_file",
    "ssl_key_file",
)
ALERTMANAGER = (
    "alertmanager",
    "alertmanager_token_file",
    "alertmanager_username",
    "alertmanager_password_file",
)
Command = TypeVar("Command", bound=Callable[..., Any])

folder = click.Path(exists=True, file_okay=False, path_type=Path)
file = click.Path(exists=True, dir_okay=False, path_type=Path)


class Finite(click.FloatRange):
    """A finite number."""

    what = "number"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        if not math.isfinite(click.FLOAT.convert(value, param, ctx)):
            self.fail(f"{value} is not a finite {self.what}", param, ctx)
        return float(super().convert(value, param, ctx))


class Seconds(Finite):
    """A finite number of seconds."""

    what = "number of seconds"


seconds = Seconds(0, min_open=True)

SETTINGS: dict[str, dict[str, Any]] = {
    "broker": {"required": True, "metavar": "HOST:PORT", "help": "Kafka's address; several with commas."},
    "security_protocol": {
        "type": click.Choice(PROTOCOLS),
        "default": KafkaConnection.security_protocol,
        "help": "TLS (SSL), a login (SASL), both or neither.",
    },
    "sasl_mechanism": {
        "type": click.Choice(["", *MECHANISMS]),
        "help": "How the login proves the password.",
    },
    "sasl_username": {"metavar": "NAME", "help": "The user of the login."},
    "sasl_password_file": {"metavar": "FILE", "help": "Holds the password."},
    "ssl_ca_file": {
        "metavar": "FILE.pem",
        "help": "Certificate authorities that are trusted; else the system's.",
    },
    "ssl_certificate_file": {"metavar": "FILE.pem", "help": "The client's own certificate, for mutual TLS."},
    "ssl_key_file": {"metavar": "FILE.pem", "help": "Its private key, not encrypted."},
    "alertmanager": {"metavar": "URL", "help": "Alertmanager's address, to make and expire silences there."},
    "alertmanager_token_file": {"metavar": "FILE", "help": "Holds the bearer token for it."},
    "alertmanager_username": {"metavar": "NAME", "help": "Or the user for it (basic authentication)."},
    "alertmanager_password_file": {"metavar": "FILE", "help": "Holds that user's password."},
    "prefix": {
        "type": TopicPrefix(),
        "default": WorkerSettings.prefix,
        "help": "What every topic's name starts with.",
    },
    "group": {
        "type": Group(),
        "default": WorkerSettings.group,
        "help": "Consumer group; its workers share the partitions.",
    },
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
    "watch_list": {
        "type": file,
        "default": WorkerSettings.watch_list,
        "metavar": "FILE",
        "help": "Companies that are watched besides the topics (CSV or TOML); followed while a worker runs.",
    },
    "metrics_host": {
        "type": Host(),
        "default": WorkerSettings.metrics_host,
        "help": "Where /metrics and /healthz listen.",
    },
    "metrics_port": {
        "type": click.IntRange(1, 65535),
        "default": WorkerSettings.metrics_port,
        "help": "Their port.",
    },
    "session_timeout_seconds": {
        "type": Seconds(6, LONGEST_SESSION_SECONDS),
        "default": WorkerSettings.session_timeout_seconds,
        "help": "A worker silent for longer loses its partitions.",
    },
    "broker_timeout_seconds": {
        "type": seconds,
        "default": WorkerSettings.broker_timeout_seconds,
        "help": "Without the broker for longer, a worker exits.",
    },
    "stuck_after_seconds": {
        "type": seconds,
        "default": WorkerSettings.stuck_after_seconds,
        "help": "With lag and no commit for longer, a worker exits.",
    },
}

# What a worker, and what starts workers, accept besides the connection: each field of the type must be a setting.
WORKER_SETTINGS = (*(each.name for each in fields(WorkerSettings) if each.name != "connection"), "policy")


def settings(*names: str) -> Callable[[Command], Command]:
    """Give a command the flags of these settings.

    `broker` brings those of CONNECTION along, which the command gets as one `connection`; `alertmanager` those of
    ALERTMANAGER, as one `alertmanager`.
    """

    def decorate(command: Command) -> Command:
        flags = list(names)
        for first, parts, argument, make in (
            ("broker", CONNECTION, "connection", connection_of),
            ("alertmanager", ALERTMANAGER, "alertmanager", alertmanager_of),
        ):
            if first in names:
                command = _as_one(command, parts, argument, make)
                flags += parts[1:]
        for name in reversed(flags):
            options = {"show_default": True, "envvar": ENVIRONMENT + name.upper(), **SETTINGS[name]}
            command = click.option("--" + name.replace("_", "-"), **options)(command)
        return command

    return decorate


def _as_one(
    command: Command, parts: Sequence[str], argument: str, make: Callable[[Mapping[str, str | None]], object]
) -> Command:
    @wraps(command)
    def called(*arguments: Any, **options: Any) -> Any:
        made = make({name: options.pop(name) for name in parts})
        return command(*arguments, **options, **{argument: made})

    return called  # type: ignore[return-value]


def alertmanager_of(parts: Mapping[str, str | None]) -> Alertmanager | None:
    """The settings of ALERTMANAGER as one value; None without an address.

    Raises:
        AlertmanagerSettingsError: they do not belong together.
        AlertingError: a file cannot be used.
    """
    url, token, username, password = (parts[name] or None for name in ALERTMANAGER)
    if url is None:
        return None
    credentials = Credentials(
        None if token is None else Path(token), username, None if password is None else Path(password)
    )
    credentials.authorization()  # a file that cannot be used is reported before anything is started
    return Alertmanager(url, credentials)


def connection_of(parts: Mapping[str, str | None]) -> KafkaConnection:
    """The settings of CONNECTION as one value; an empty text is not a setting.

    Raises:
        KafkaSettingsError: they do not belong together, or a file cannot be used.
    """
    given = {name: value for name, value in parts.items() if value}
    files = {name: Path(value) for name, value in given.items() if name.endswith("_file")}
    connection = KafkaConnection(given.pop("broker", ""), **{**given, **files})  # type: ignore[arg-type]
    connection.client_options()  # a file that cannot be used is reported before anything is started
    return connection


def connection_flags(connection: KafkaConnection) -> list[str]:
    """The flags for a child process; what is not set is given as empty, so that no environment or file sets it."""
    values = {"broker": connection.addresses, **{name: getattr(connection, name) for name in CONNECTION[1:]}}
    flags = (("--" + name.replace("_", "-"), value) for name, value in values.items())
    return [part for flag, value in flags for part in (flag, "" if value is None else str(value))]
