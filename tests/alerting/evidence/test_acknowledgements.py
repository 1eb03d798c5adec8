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
