"""Acknowledgements: messages of the `alerts` topic that are not alerts."""

import msgspec
import pytest
from alert_messages import acknowledgement, alert

from alerting.evidence.acknowledgements import decode
from stream.messages import encode


def test_the_two_messages_are_distinguished():
    for message in (alert(), acknowledgement(), acknowledgement(state="snoozed", silence="s")):
        assert decode(encode(message)) == message
    for wrong in (b"{}", b"[]", b"", b'{"state": "odd"}'):
        with pytest.raises(msgspec.DecodeError):
            decode(wrong)


@pytest.mark.parametrize(
    "time", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "9999-01-01T00:00:00Z"]
)
@pytest.mark.parametrize(
    ("message", "field"),
    [
        (alert(), "window_end"),
        (alert(), "detected_at"),
        (acknowledgement(), "at"),
        (acknowledgement(), "until"),
    ],
)
def test_a_time_that_cannot_be_shown_in_every_zone_is_not_accepted(
    time: str, message: msgspec.Struct, field: str
):
    value = msgspec.json.encode(msgspec.to_builtins(message) | {field: time})
    with pytest.raises(msgspec.ValidationError, match="its year is not between 1969 and 9998"):
        decode(value)
