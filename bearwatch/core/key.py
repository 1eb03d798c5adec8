"""What is counted and watched: one topic, watched company or source of one stream."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, get_args

from bearwatch.core.printable import brief, escaped
from bearwatch.core.streams import STREAMS, Stream

Dimension = Literal["topic", "entity", "source"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)
REMEMBERED_CHARACTERS = 200  # of a key's text; a topic may hold texts of a megabyte, and those are not kept


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """A stream, what of it is watched, and its name. As text: `news/topic:Energy | Oil`, `comments/entity:ACME`."""

    stream: Stream
    dimension: Dimension
    name: str

    @staticmethod
    def parse(text: str) -> "Key":
        """Read `STREAM/DIMENSION:NAME`.

        Raises:
            ValueError: naming what is wrong with the text.
        """
        return _remembered(text) if len(text) <= REMEMBERED_CHARACTERS else _parsed(text)

    def __hash__(self) -> int:
        return hash(self.name)  # a tenth of the time that hashing all fields takes; names hardly repeat

    def __str__(self) -> str:
        return f"{self.stream}/{self.dimension}:{self.name}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of this key's metrics: `stream`, and the dimension with the name, escaped."""
        return {"stream": self.stream, self.dimension: escaped(self.name)}


def _parsed(text: str) -> Key:
    stream, _, rest = text.partition("/")
    dimension, _, name = rest.partition(":")
    if stream not in STREAMS:
        raise ValueError(
            f"key {brief(text)!r}: the stream is {brief(stream)!r}, expected {' or '.join(STREAMS)}"
        )
    if dimension not in DIMENSIONS:
        about, known = brief(dimension), ", ".join(DIMENSIONS)
        raise ValueError(f"key {brief(text)!r}: it is about {about!r}, expected one of {known}")
    if not name:
        raise ValueError(f"key {brief(text)!r}: the name is missing, expected STREAM/DIMENSION:NAME")
    return Key(stream, dimension, name)


# Every message carries its key; there are some thousands of keys.
_remembered = lru_cache(maxsize=65_536)(_parsed)
