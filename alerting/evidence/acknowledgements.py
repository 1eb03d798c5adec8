"""Acknowledgements of alerts: messages of their own on the `alerts` topic, distinguished by their `state`."""

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType

from alerting.alerts import Alert, Moment, check_times
from bearwatch.core.decoding import decode_json

Answer = Literal["acknowledged", "snoozed"]
MAX_BYTES = 2**18  # of a message: a few times what a worker writes, and some thousand messages are held
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody works on the alert `id` (acknowledged) or does not want its pages (snoozed), until the time `until`."""

    id: str
    key: str
    state: Answer
    by: Words
    note: Words
    at: Moment
    until: Moment
    silence: str | UnsetType = UNSET  # the id of the Alertmanager silence that goes with it
    schema_version: Literal[1] = 1

    def __post_init__(self) -> None:
        check_times(self.at, self.until)


class _Head(msgspec.Struct):
    state: str


def decode(value: bytes) -> Alert | Acknowledgement:
    """Read a message of the `alerts` topic.

    Raises:
        msgspec.DecodeError: it is neither an alert nor an acknowledgement; the message names the field.
    """
    if len(value) > MAX_BYTES:
        raise msgspec.ValidationError(f"{len(value)} bytes are too many; a message has at most {MAX_BYTES}")
    if decode_json(value, _Head).state in get_args(Answer):
        return decode_json(value, Acknowledgement)
    return decode_json(value, Alert)
