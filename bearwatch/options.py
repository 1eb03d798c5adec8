"""Options that several commands share besides the settings, and the types of their values."""

import re
from typing import Any

import click

LONGEST_NAME = 249  # of a topic in Kafka, bytes
LONGEST_PREFIX = LONGEST_NAME - len("dead-letters")

changes = click.option(
    "--set",
    "changes",
    metavar="KEY=VALUE",
    multiple=True,
    help="Replace a value of the configuration, as in hyperparameters.epochs=6; may be repeated.",
)


class Address(click.ParamType):
    """HOST:PORT, with [..] around an IPv6 host."""

    name = "address"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        if isinstance(value, tuple):
            return value
        host, _, port = str(value).rpartition(":")
        if host.startswith("[") != host.endswith("]"):
            host = ""
        if not (is_host(host.strip("[]")) and port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
            self.fail(f"{value!r} is not HOST:PORT, as in 127.0.0.1:9209", param, ctx)
        return host.strip("[]"), int(port)


class Text(click.ParamType):
    """A text in UTF-8; what the user typed may hold any byte."""

    name = "text"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        try:
            str(value).encode()
        except UnicodeEncodeError:
            self.fail(f"{value!r} is not UTF-8", param, ctx)
        return str(value)


class Host(Text):
    """A host name or an IP address; an empty one would mean every network of this machine."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        host = super().convert(value, param, ctx)
        if not is_host(host):
            self.fail(f"{host!r} is not a host name or an address", param, ctx)
        return host


class TopicPrefix(Text):
    """The beginning of Kafka's topic names, which leaves room for the rest."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        prefix = super().convert(value, param, ctx)
        if not re.fullmatch(rf"[A-Za-z0-9._-]{{0,{LONGEST_PREFIX}}}", prefix):
            self.fail(
                f"{prefix!r} cannot begin a topic's name in Kafka: at most {LONGEST_PREFIX} letters (a to z), digits, "
                "dots, hyphens and underscores",
                param,
                ctx,
            )
        return prefix


class Group(Text):
    """The name of a consumer group."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        group = super().convert(value, param, ctx)
        if not (group.isprintable() and 0 < len(group.encode()) <= LONGEST_NAME):
            self.fail(f"{group!r} is not a group's name: 1 to {LONGEST_NAME} bytes, printable", param, ctx)
        return group


def is_host(host: str) -> bool:
    """Whether this may be a host name or an IP address (without brackets around it)."""
    try:
        host.encode("idna")
    except UnicodeError:  # a part is empty or longer than 63 bytes
        return False
    return re.fullmatch(r"[\w.:%-]{1,253}", host) is not None


def check_texts(command: click.Command) -> None:
    """Give every plain text of a command, and of its commands, the type `Text`; `click.UNPROCESSED` stays as it is."""
    for each in getattr(command, "commands", {}).values():
        check_texts(each)
    for parameter in command.params:
        if isinstance(parameter.type, click.types.StringParamType):
            parameter.type = Text()
