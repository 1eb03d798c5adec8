"""Lines of a file: their numbers, their limit in bytes, and the stream that they belong to."""

import io

import pytest
from ingested import line

from stream.ingest.lines import numbered_lines, read_entry
from stream.ingest.producer import MAX_DOCUMENT_BYTES
from stream.messages import BadDocument


@pytest.mark.parametrize("ending", [b"", b"\n"])
def test_a_line_over_the_limit_is_skipped_and_still_numbered(ending: bytes) -> None:
    file = io.BytesIO(b"12345678\n\n  \n123456789\nab\n" + b"x" * 200_000 + b"\nlast" + ending)
    assert list(numbered_lines(file, 8)) == [(1, b"12345678"), (4, None), (5, b"ab"), (6, None), (7, b"last")]


def test_a_line_over_the_limit_is_never_in_memory() -> None:
    class Endless(io.RawIOBase):
        largest = 0
        left = 50_000_000

        def readline(self, size: int | None = -1, /) -> bytes:
            assert size is not None and size > 0
            self.largest = max(self.largest, size)
            self.left -= size
            return b"x" * size if self.left > 0 else b"\n"

    file = Endless()
    assert next(numbered_lines(file)) == (1, None)  # type: ignore[arg-type]
    assert file.largest <= MAX_DOCUMENT_BYTES + 1


def test_the_stream_is_the_flag_or_else_the_field() -> None:
    assert read_entry(line(0, stream="comments"), None).stream == "comments"
    assert read_entry(line(0, stream="comments"), "news").stream == "news"
    assert read_entry(line(0), "news").document == line(0)
    with pytest.raises(BadDocument, match="no field `stream` and no --stream"):
        read_entry(line(0), None)
    with pytest.raises(BadDocument, match="stream"):
        read_entry(line(0, stream="tweets"), None)
