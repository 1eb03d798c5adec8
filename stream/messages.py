"""The messages in Kafka, as types. `stream.schemas` publishes the same as JSON Schema."""

from datetime import datetime
from typing import Annotated, Final, Literal

import msgspec
from msgspec import UNSET, UnsetType

from bearwatch.core.printable import brief
from bearwatch.core.streams import Stream

SCHEMA_VERSION: Final = 1

Version = Literal[1]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
Ratio = Annotated[float, msgspec.Meta(ge=0, le=1)]
Moment = Annotated[datetime, msgspec.Meta(tz=True)]
Sources = Annotated[
    int, msgspec.Meta(description="Of a number over 1,000 there may be more: at least so many.")
]
UnixSeconds = Annotated[float, msgspec.Meta(ge=0, le=253_402_300_799)]  # up to the end of the year 9999

DOCUMENT_BYTES: Final = 2**20  # of a document's JSON; what a broker takes without compression
NEGATIVE: Final = "negative"  # the label of sentiment that is counted
DEAD_LETTER_REASONS = ("json", "document", "text", "timestamp", "batch")
DeadLetterReason = Literal["json", "document", "text", "timestamp", "batch"]


class BadDocument(Exception):
    """A document that cannot be accepted; `reason` names the field and what is wrong with it."""

    def __init__(self, reason: str, kind: DeadLetterReason = "document") -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """A news item or a comment, as a feed sends it. Unknown fields are ignored and stay in the input topic."""

    id: Name
    text: Annotated[str, msgspec.Meta(min_length=1)]  # title and, where there is one, first paragraph
    published_at: Moment  # RFC 3339 with offset
    source: Name
    url: str | None = None
    title: str | None = None
    author: str | None = None
    language: str | None = None
    tickers: list[str] = []
    schema_version: Version = SCHEMA_VERSION


class Origin(msgspec.Struct, frozen=True, order=True, gc=False):
    """Where a document stands in Kafka."""

    topic: str
    partition: Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]


class Classified(msgspec.Struct, frozen=True, kw_only=True):
    """One document's contribution to one key."""

    id: str
    key: str  # `news/topic:Energy | Oil`
    stream: Stream
    topic: str
    topic_probability: Ratio
    sentiment: str
    sentiment_probability: Ratio
    event_time: Moment  # the Kafka record's timestamp
    published_at: Moment
    source: str
    text: str  # normalised, cut for reading
    url: str | None = None
    story: str  # near-duplicates share it
    origin: Origin
    model: str
    schema_version: Version = SCHEMA_VERSION

    @property
    def is_of_topic(self) -> bool:
        """Whether it is the one message of its document under a topic; the others are under companies."""
        return self.key == topic_key(self.stream, self.topic)


class Tick(msgspec.Struct, frozen=True, kw_only=True):
    """How far a source partition has been read; sent to every partition of `classified` under TICK_KEY.

    `event_time` is the largest event time seen (Unix seconds; None before the first document). `clock` is set
    when the partition was read to its end and idle: no document older than it is still to come.
    """

    source: str  # the origin's `topic-partition`
    offset: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)]  # the next one to be read
    event_time: UnixSeconds | None
    clock: UnixSeconds | None = None
    schema_version: Version = SCHEMA_VERSION


TICK_KEY = b"tick"


class Rate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """The counts of one key over one window [start, end) at a full minute; `topic` or `entity`, as the key says."""

    key: str
    stream: Stream
    topic: str | UnsetType = UNSET
    entity: str | UnsetType = UNSET
    window_seconds: int
    window_end: Moment
    documents: int
    negative_documents: int
    stories: int
    negative_stories: int
    sources: Sources
    negative_ratio: float | None  # of stories; None for an empty window
    baseline_ratio: float | None
    score: float | None  # -log10 of the p-value; both are None while warming up
    p_value: float | None
    schema_version: Version = SCHEMA_VERSION


_decoder = msgspec.json.Decoder(Document)
_encoder = msgspec.json.Encoder()


def decode_document(value: bytes | None) -> Document:
    """Read a document.

    Raises:
        BadDocument: naming the field and the reason.
    """
    if value is None:
        raise BadDocument("the record has no value; expected a JSON object", "json")
    if len(value) > DOCUMENT_BYTES:
        raise BadDocument(f"{len(value)} bytes are too many for a document; it may have {DOCUMENT_BYTES}")
    try:
        return _decoder.decode(value)
    except RecursionError:
        raise BadDocument("invalid JSON: nested too deeply", "json") from None
    except UnicodeDecodeError as error:
        raise BadDocument(f"invalid UTF-8: {error.reason} at byte {error.start}", "json") from None
    except msgspec.ValidationError as error:
        raise BadDocument(f"invalid document: {brief(error)}") from None
    except msgspec.DecodeError as error:
        raise BadDocument(f"invalid JSON: {brief(error)}", "json") from None


def encode(message: msgspec.Struct) -> bytes:
    """One message as JSON."""
    return _encoder.encode(message)


def entity_key(stream: str, entity: str) -> str:
    """The key under which a watched company of a stream is counted."""
    return f"{stream}/entity:{entity}"


def topic_key(stream: str, topic: str) -> str:
    """The key under which a topic of a stream is counted."""
    return f"{stream}/topic:{topic}"
