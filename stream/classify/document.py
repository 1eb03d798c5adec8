"""One document: checked, normalised, given its story, and turned into what `classified` holds. Pure."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass

import msgspec

from bearwatch.core.streams import Stream
from bearwatch.core.times import utc
from models.classifier import Classification
from models.loaded import Input
from models.text import normalise
from stream.classify.authors import source_of, url_of
from stream.messages import (
    BadDocument,
    Classified,
    Document,
    Origin,
    decode_document,
    entity_key,
    topic_key,
)

# Of the text and of the address, in `classified`: a record must stay far below Kafka's 1 MB, and so must the
# record of a minute in `state`, which holds eight addresses. A longer address is left out: cut, it leads nowhere.
CLASSIFIED_CHARACTERS = 2000
TOPIC, SENTIMENT = "topic", "sentiment"  # the heads that the stream needs of a model


@dataclass(frozen=True)
class Examined:
    """A document that is fit for the model."""

    document: Document
    text: str  # normalised
    event_time: float  # Unix seconds

    @property
    def model_input(self) -> Input:
        return Input(self.text, self.document.language)


def examine(value: bytes | None, event_time: float | None, now: float, max_future_seconds: float) -> Examined:
    """Decode and check one record; times are Unix seconds.

    Raises:
        BadDocument: with the reason.
    """
    document = decode_document(value)
    if event_time is None or event_time < 0:
        raise BadDocument("the Kafka record carries no timestamp", "timestamp")
    latest = now + max_future_seconds
    if event_time > latest:
        raise BadDocument(
            f"the Kafka record is stamped {event_time - now:.0f} s ahead of the clock", "timestamp"
        )
    if document.published_at.timestamp() > latest:
        stamp = document.published_at.isoformat()
        raise BadDocument(f"published_at {stamp} is ahead of the clock", "timestamp")
    text = normalise(document.text)
    if not text:
        raise BadDocument("text is empty once markup and links are removed", "text")
    return Examined(document, text, event_time)


def story_of(text: str) -> str:
    """The signature that near-duplicates share: 16 hex digits of the normalised text, case ignored."""
    return hashlib.blake2b(text.casefold().encode(), digest_size=8).hexdigest()


def classified(
    examined: Examined,
    stream: Stream,
    answer: Classification,
    origin: Origin,
    companies: Iterable[str] = (),
) -> tuple[Classified, ...]:
    """What one document contributes to each of its keys: its topic's, and those of the watched companies it names.

    Args:
        companies: the ids, each once.
    """
    document = examined.document
    # The length first: to search a megabyte of percent signs for an author takes 0.7 s.
    url = url_of(document) if len(document.url or "") <= CLASSIFIED_CHARACTERS else None
    topic, sentiment = answer.predictions[TOPIC], answer.predictions[SENTIMENT]
    of_topic = Classified(
        id=document.id,
        key=topic_key(stream, topic.label),
        stream=stream,
        topic=topic.label,
        topic_probability=topic.probability,
        sentiment=sentiment.label,
        sentiment_probability=sentiment.probability,
        event_time=utc(examined.event_time),
        published_at=document.published_at,
        source=source_of(document),
        text=examined.text[:CLASSIFIED_CHARACTERS],
        url=url,
        story=story_of(examined.text),
        origin=origin,
        model=answer.model,
    )
    of_companies = (
        msgspec.structs.replace(of_topic, key=entity_key(stream, company)) for company in companies
    )
    return (of_topic, *of_companies)
