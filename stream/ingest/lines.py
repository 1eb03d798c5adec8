"""JSON lines into Kafka: a line that is a document is sent, any other line is reported by its number."""

from collections.abc import Callable, Iterator
from typing import IO

import msgspec

from bearwatch.core.decoding import decode_json
from bearwatch.core.streams import Stream
from stream.ingest.look_ahead import Entry, Line, LookAhead
from stream.ingest.producer import MAX_DOCUMENT_BYTES, DocumentProducer
from stream.ingest.timestamps import TimestampAssigner
from stream.messages import BadDocument, decode_document

SKIP_BYTES = 2**16


class Routing(msgspec.Struct):
    """The field of a line that says which stream it belongs to; it is not part of the document."""

    stream: Stream | None = None


def ingest(
    lines: Iterator[tuple[int, bytes | None]],
    stream: str | None,
    assign_timestamp: TimestampAssigner,
    producer: DocumentProducer,
    reject: Callable[[int, str], None],
    handled: Callable[[], None] = lambda: None,
) -> None:
    """Send every line that is a document; call `reject` with the number of any other line and the reason.

    Args:
        lines: number and content; None stands for a line that is too long. Some more may be read than were sent.
        stream: news or comments; None: the line's field `stream` decides.
        handled: called for each line in turn, once it was given to the producer or rejected.

    Raises:
        StreamError: Kafka does not take documents, or a topic holds newer records than the history.
    """
    entries = LookAhead(_entries(lines, stream))
    for number, entry in entries:
        try:
            if isinstance(entry, BadDocument):
                raise entry
            timestamp_ms = assign_timestamp(entry, entries)
        except BadDocument as error:
            reject(number, error.reason)
        else:
            producer.send(entry.stream, entry.document, entry.id, timestamp_ms)
        handled()


def _entries(lines: Iterator[tuple[int, bytes | None]], stream: str | None) -> Iterator[Line]:
    for number, line in lines:
        try:
            yield number, read_entry(line, stream)
        except BadDocument as error:
            yield number, error


def numbered_lines(file: IO[bytes], limit: int = MAX_DOCUMENT_BYTES) -> Iterator[tuple[int, bytes | None]]:
    """Lines that are not blank, numbered from 1; None for one of more than `limit` bytes, which is never in memory."""
    number = 0
    while line := file.readline(limit + 1):
        number += 1
        stripped = line.strip()
        if line.endswith(b"\n") or len(line) <= limit:
            if stripped:
                yield number, stripped
            continue
        while line and not line.endswith(b"\n"):
            line = file.readline(SKIP_BYTES)
        yield number, None


def read_entry(line: bytes | None, stream: str | None) -> Entry:
    """A line as a document for `stream`, or, if that is None, for the stream in its field `stream`.

    Raises:
        BadDocument: with the reason.
    """
    if line is None:
        raise BadDocument(
            f"longer than {MAX_DOCUMENT_BYTES} bytes, which is more than Kafka accepts in one message"
        )
    document = decode_document(line)
    try:
        chosen = stream or decode_json(line, Routing).stream
    except msgspec.DecodeError as error:
        raise BadDocument(f"invalid document: {error}") from None
    if chosen is None:
        raise BadDocument("no field `stream` and no --stream; give one of them: news or comments")
    return Entry(chosen, document.id, document.published_at, line)
