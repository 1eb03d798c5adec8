"""JSON lines into Kafka: each line that is a document is sent, each other one reported by its number."""

from collections.abc import Callable, Iterator
from typing import IO

import msgspec

from bearwatch.core.streams import Stream
from stream.ingest.producer import MAX_DOCUMENT_BYTES, DocumentProducer
from stream.ingest.timestamps import Entry, TimestampAssigner
from stream.messages import BadDocument, decode_document

SKIP_BYTES = 2**16


class Routing(msgspec.Struct):
    """The field beside the document's own that says where a line belongs."""

    stream: Stream | None = None


def ingest(
    lines: Iterator[tuple[int, bytes | None]],
    stream: str | None,
    stamp: TimestampAssigner,
    sender: DocumentProducer,
    refuse: Callable[[int, str], None],
) -> None:
    """Send each line that is a document; `refuse` is told the number of each other line and the reason.

    Raises:
        StreamError: Kafka does not take documents, or a topic holds newer records than the history.
    """
    for number, line in lines:
        try:
            entry = read_entry(line, stream)
            timestamp_ms = stamp(entry)
        except BadDocument as error:
            refuse(number, error.reason)
        else:
            sender.send(entry.stream, entry.document, entry.id, timestamp_ms)


def numbered_lines(file: IO[bytes], limit: int = MAX_DOCUMENT_BYTES) -> Iterator[tuple[int, bytes | None]]:
    """Lines that are not blank, numbered from 1; None for one over `limit` bytes, never held whole."""
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
    """A line as a document for `stream`, or for the stream that it names itself.

    Raises:
        BadDocument: with the reason.
    """
    if line is None:
        raise BadDocument(f"longer than {MAX_DOCUMENT_BYTES} bytes, which Kafka does not take in one message")
    document = decode_document(line)
    try:
        chosen = stream or msgspec.json.decode(line, type=Routing).stream
    except msgspec.ValidationError as error:
        raise BadDocument(f"invalid document: {error}") from None
    if chosen is None:
        raise BadDocument("no field `stream` and no --stream: news or comments?")
    return Entry(chosen, document.id, document.published_at, line)
