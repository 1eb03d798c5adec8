"""What is counted and watched: one topic, watched company or source of one stream."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal, get_args

from bearwatch.core.printable import escaped
from bearwatch.core.streams import STREAMS, Stream

Dimension = Literal["topic", "entity", "source"]
DIMENSIONS: Final[tuple[Dimension, ...]] = get_args(Dimension)


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
        return _parsed(text)

    def __hash__(self) -> int:
        return hash(self.name)  # a tenth of the time that hashing all fields takes; names hardly repeat

    def __str__(self) -> str:
        return f"{self.stream}/{self.dimension}:{self.name}"

    @property
    def labels(self) -> dict[str, str]:
        """The labels of this key's metrics: `stream`, and the dimension with the name, escaped."""
        return {"stream": self.stream, self.dimension: escaped(self.name)}


@lru_cache(maxsize=65_536)  # every message carries its key as text; there are some thousands of keys
def _parsed(text: str) -> Key:
    stream, _, rest = text.partition("/")
    dimension, _, name = rest.partition(":")
    if stream not in STREAMS:
        raise ValueError(f"key {text!r}: the stream is {stream!r}, expected {' or '.join(STREAMS)}")
    if dimension not in DIMENSIONS:
        raise ValueError(f"key {text!r}: it is about {dimension!r}, expected one of {', '.join(DIMENSIONS)}")
    if not name:
        raise ValueError(f"key {text!r}: the name is missing, expected STREAM/DIMENSION:NAME")
    return Key(stream, dimension, name)
