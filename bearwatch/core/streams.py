"""The names of the streams. News and comments have different habits and are never mixed in one ratio."""

from typing import Final, Literal

Stream = Literal["news", "comments"]
STREAMS: Final[tuple[Stream, ...]] = ("news", "comments")
