"""What people answer to an alert: a message of its own on the `alerts` topic, told apart by its `state`."""

from typing import Annotated, Literal, get_args

import msgspec
from msgspec import UNSET, UnsetType

from alerting.alerts import Alert, Moment

Answer = Literal["acknowledged", "snoozed"]
Words = Annotated[str, msgspec.Meta(min_length=1, max_length=1000)]


class Acknowledgement(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody looks after the alert `id` (acknowledged) or wants to be left alone by it (snoozed), until then."""

    id: str
    key: str
    state: Answer
    by: Words
    note: Words
    at: Moment
    until: Moment
    silence: str | UnsetType = UNSET  # the id of the Alertmanager silence that goes with it
    schema_version: Literal[1] = 1


class _Head(msgspec.Struct):
    state: str


def decode(value: bytes) -> Alert | Acknowledgement:
    """Read a message of the `alerts` topic.

    Raises:
        msgspec.DecodeError: it is neither; the message names the field.
    """
    if msgspec.json.decode(value, type=_Head).state in get_args(Answer):
        return msgspec.json.decode(value, type=Acknowledgement)
    return msgspec.json.decode(value, type=Alert)
