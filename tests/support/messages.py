"""Makes the messages of `classified` that tests of counting need."""

import itertools

from bearwatch.core.times import utc
from stream.messages import Classified, Origin, topic_key

_ids = itertools.count()


def classified(
    time: float,
    *,
    offset: int | None = None,
    partition: int = 0,
    negative: bool = False,
    story: str | None = None,
    source: str = "Wire",
    topic: str = "Financials",
    stream: str = "news",
    probability: float = 0.9,
) -> Classified:
    """One document at an event time (Unix seconds); each is a story of its own unless `story` is given."""
    number = next(_ids)
    return Classified(
        id=str(number),
        key=topic_key(stream, topic),
        stream=stream,
        topic=topic,
        topic_probability=0.9,
        sentiment="negative" if negative else "neutral",
        sentiment_probability=probability,
        event_time=utc(time),
        published_at=utc(time),
        source=source,
        text=f"text {number}",
        story=story or f"story {number}",
        origin=Origin(stream, partition, number if offset is None else offset),
        model="test",
    )
