"""Acknowledging and snoozing: the record on the `alerts` topic and the silence in Alertmanager agree.

The silence is made first. If it cannot be made, nothing is written; if the record cannot be written, the silence is
expired again. After a kill between the two there is a silence without a record; the next answer to the alert replaces
it.
"""

import asyncio

import msgspec

from alerting.errors import AlertingError
from alerting.evidence.acknowledgements import Acknowledgement
from alerting.evidence.history import AlertRecord
from alerting.notify.silences import Alertmanager
from stream.errors import StreamError
from stream.kafka.append import append
from stream.kafka.connection import KafkaConnection
from stream.messages import encode


def answer(
    record: AlertRecord,
    acknowledgement: Acknowledgement,
    connection: KafkaConnection,
    topic: str,
    alertmanager: Alertmanager | None,
) -> Acknowledgement:
    """Write an answer to the `alerts` topic, with its silence if an Alertmanager is given; returns what was written.

    Raises:
        AlertingError: the alert has resolved, or the silence could not be made; nothing was written.
        StreamError: the record could not be written; the message says whether the silence was expired.
    """
    if record.alert.state == "resolved":
        raise AlertingError(
            f"alert {acknowledgement.id} has resolved; a silence would hide the next alert of {acknowledgement.key}"
        )
    if alertmanager is None:
        asyncio.run(append(connection, topic, acknowledgement.key.encode(), encode(acknowledgement)))
        return acknowledgement
    try:
        silence = alertmanager.silence(record.alert, acknowledgement)
    except AlertingError as error:
        raise AlertingError(f"{error}; nothing was written") from None
    written = msgspec.structs.replace(acknowledgement, silence=silence)
    try:
        asyncio.run(append(connection, topic, written.key.encode(), encode(written)))
    except StreamError as error:
        raise StreamError(f"{error}; {_expire(alertmanager, silence)}") from None
    return written


def _expire(alertmanager: Alertmanager, silence: str) -> str:
    try:
        alertmanager.expire(silence)
    except AlertingError as error:
        return f"its silence {silence} remains and has no record ({error}); expire it with `amtool silence expire`"
    return "its silence was expired, so it still pages"
