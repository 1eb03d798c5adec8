"""The types of the sample feed: a world, and the documents that it consists of."""

from dataclasses import dataclass
from typing import Literal

from bearwatch.core.streams import Stream

Sentiment = Literal["negative", "neutral", "positive"]

HISTORY_SECONDS = 4 * 86400.0
SLOT_SECONDS = 600.0


@dataclass(frozen=True)
class SampleWorld:
    """A seed and a time that determine all documents: equal worlds have the same documents."""

    seed: int
    anchor: float  # Unix seconds: the first start; documents before it are history, later ones are live

    def slot_of(self, time: float) -> int:
        """The number of the slot of ten minutes that `time` is in; slot 0 begins at the anchor."""
        return int((time - self.anchor) // SLOT_SECONDS)

    def slot_start(self, slot: int) -> float:
        """Unix seconds."""
        return self.anchor + slot * SLOT_SECONDS


@dataclass(frozen=True)
class SampleDocument:
    """A document before it becomes a message; the two intended fields are never sent."""

    stream: Stream
    published_at: float  # Unix seconds
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
        """The sort key of documents: time, then id."""
        return (self.published_at, self.id)
