"""What is read from `classified`: messages of this release, and ticks whose clock the broker's bounds."""

from dataclasses import dataclass

import pytest
from messages import classified

from stream.aggregate.agent import decode
from stream.errors import StreamError
from stream.messages import TICK_KEY, Tick, encode

BROKER_CLOCK = 1000.0


@dataclass
class Message:
    key: bytes
    value: bytes | None
    timestamp: float = BROKER_CLOCK  # the broker sets it: LogAppendTime
    topic: str = "bearwatch.classified"
    partition: int = 2
    offset: int = 17


def test_messages_come_as_they_were_sent():
    document = classified(5.0)
    assert decode(Message(document.key.encode(), encode(document))) == document
    tick = Tick(source="news-0", offset=3, event_time=4.0)
    assert decode(Message(TICK_KEY, encode(tick))) == tick


@pytest.mark.parametrize(
    ("said", "taken"), [(BROKER_CLOCK - 2, BROKER_CLOCK - 2), (BROKER_CLOCK + 3600, BROKER_CLOCK)]
)
def test_a_worker_whose_clock_is_ahead_does_not_close_panes(said: float, taken: float):
    tick = Tick(source="news-0", offset=3, event_time=4.0, clock=said)
    assert decode(Message(TICK_KEY, encode(tick))) == Tick(
        source="news-0", offset=3, event_time=4.0, clock=taken
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (b"news/topic:Macro", b"no json"),
        (b"news/topic:Macro", b"{}"),
        (b"news/topic:Macro", None),
        (TICK_KEY, encode(Tick(source="news-0", offset=3, event_time=4.0)).replace(b":1}", b":2}")),
    ],
)
def test_a_foreign_message_is_named(key: bytes, value: bytes | None):
    with pytest.raises(StreamError, match="classified partition 2, offset 17: no message of this release"):
        decode(Message(key, value))
