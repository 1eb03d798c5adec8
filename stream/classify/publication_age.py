"""Notices documents that were published long before their event time: most likely history in a topic for live ones.

A live document is stamped when it is sent, and a topic with `LogAppendTime` stamps everything on arrival: history that
is sent there is counted as if it happened now. Pure.
"""

import math
from collections import deque

OLD_SECONDS = 3600.0
DOCUMENTS = 100  # the last ones of a stream, as one worker reads them
OLD_RATIO = 0.25
REPEAT_SECONDS = 3600.0


class PublicationAges:
    """The last documents of one stream."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._old: deque[bool] = deque(maxlen=DOCUMENTS)
        self._warned = -math.inf

    def add(self, age_seconds: float) -> bool:
        """Note a document, and how long before its event time it was published; gives whether it is old."""
        old = age_seconds > OLD_SECONDS
        self._old.append(old)
        return old

    def warning(self, now: float) -> str | None:
        """What to warn of, once in REPEAT_SECONDS of a steady clock; None where all is well."""
        count = sum(self._old)
        if count < OLD_RATIO * DOCUMENTS or now - self._warned < REPEAT_SECONDS:
            return None
        self._warned = now
        return (
            f"{self._stream}: {count} of the last {len(self._old)} documents were published more than an hour before "
            "their Kafka records are stamped, and are counted by the stamps. If this is history, send it with "
            "`bearwatch ingest --history` to a topic with message.timestamp.type=CreateTime, before anything newer"
        )
