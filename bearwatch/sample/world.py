"""What the sample feed makes, and the world it makes it for."""

from dataclasses import dataclass
from typing import Literal

from bearwatch.core.streams import Stream

Sentiment = Literal["negative", "neutral", "positive"]

HISTORY_SECONDS = 4 * 86400.0
SLOT_SECONDS = 600.0


@dataclass(frozen=True)
class SampleWorld:
    """One run of events. Two worlds that are equal bring the same documents for ever."""

    seed: int
    anchor: (
        float  # Unix seconds UTC: when the desk first opened; history lies before, the present begins here
    )

    def slot_of(self, time: float) -> int:
        """The number of the ten minutes that `time` falls in; slot 0 begins at the anchor."""
        return int((time - self.anchor) // SLOT_SECONDS)

    def slot_start(self, slot: int) -> float:
        return self.anchor + slot * SLOT_SECONDS


@dataclass(frozen=True)
class SampleDocument:
    """A document before it is put into the wire format; the two intended fields are never sent."""

    stream: Stream
    published_at: float  # Unix seconds UTC
    id: str
    text: str
    source: str
    url: str
    title: str | None
    author: str | None
    tickers: tuple[str, ...]
    intended_topic: str
    intended_sentiment: Sentiment

    @property
    def position(self) -> tuple[float, str]:
        """What documents are ordered by."""
        return (self.published_at, self.id)
