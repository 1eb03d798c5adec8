"""Acknowledging and snoozing: the record on the `alerts` topic and the silence in Alertmanager agree.

The silence comes first. If it cannot be made, nothing is written; if the record cannot be written, the silence
is taken back. What a kill between the two leaves is a silence that the next answer to the same alert replaces.
"""

import asyncio

import msgspec

from alerting.errors import AlertingError
from alerting.evidence.acknowledgements import Acknowledgement
from alerting.evidence.history import AlertRecord
from alerting.notify.silences import Alertmanager
from stream.errors import StreamError
from stream.kafka.connection import KafkaConnection
from stream.kafka.follow import append


def answer(
    record: AlertRecord,
    wanted: Acknowledgement,
    connection: KafkaConnection,
    topic: str,
    alertmanager: Alertmanager | None,
) -> Acknowledgement:
    """Write the answer down, with its silence where there is an Alertmanager; gives what was written.

    Raises:
        AlertingError: the alert is over, or there is no silence; nothing was written.
        StreamError: nothing was written; says what became of the silence.
    """
    if record.alert.state == "resolved":
        raise AlertingError(f"alert {wanted.id} is over; a silence would hide the next alert of {wanted.key}")
    if alertmanager is None:
        asyncio.run(append(connection, topic, wanted))
        return wanted
    try:
        silence = alertmanager.silence(record.alert, wanted)
    except AlertingError as error:
        raise AlertingError(f"{error}; nothing was written") from None
    written = msgspec.structs.replace(wanted, silence=silence)
    try:
        asyncio.run(append(connection, topic, written))
    except StreamError as error:
        raise StreamError(f"{error}; {_take_back(alertmanager, silence)}") from None
    return written


def _take_back(alertmanager: Alertmanager, silence: str) -> str:
    try:
        alertmanager.expire(silence)
    except AlertingError as error:
        return (
            f"its silence {silence} REMAINS and has no record ({error}); end it with `amtool silence expire`"
        )
    return "its silence was taken back, so notifications go on"
