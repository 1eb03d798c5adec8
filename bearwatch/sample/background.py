"""Background documents: new stories and comments on all topics, at the usual rate and with the usual sentiment."""

import random
from functools import lru_cache, partial

from bearwatch.core.streams import STREAMS, Stream
from bearwatch.sample.library import SENTIMENTS, library
from bearwatch.sample.rhythm import arrivals, originals_per_second, peak_per_second
from bearwatch.sample.world import SampleDocument, SampleWorld
from bearwatch.sample.writing import calendar, cast, write


@lru_cache(maxsize=64)
def background_documents(world: SampleWorld, slot: int) -> tuple[SampleDocument, ...]:
    """The original documents of a slot of ten minutes; they depend on world and slot alone, not on other slots."""
    return tuple(document for stream in STREAMS for document in _of_stream(world, slot, stream))


def _of_stream(world: SampleWorld, slot: int, stream: Stream) -> list[SampleDocument]:
    rng = random.Random(f"{world.seed}/{slot}/{stream}")  # noqa: S311 - not a secret
    rate, peak = partial(originals_per_second, stream), peak_per_second(stream)
    times = arrivals(rate, peak, world.slot_start(slot), world.slot_start(slot + 1), rng)
    return [_document(f"{stream[0]}{slot}.{n}", stream, time, rng) for n, time in enumerate(times)]


def _document(id: str, stream: Stream, time: float, rng: random.Random) -> SampleDocument:
    topics = library().topics
    (topic,) = rng.choices(topics, [topic.weight for topic in topics])
    (sentiment,) = rng.choices(SENTIMENTS, topic.sentiment_weights[stream])
    return write(
        id=id,
        stream=stream,
        published_at=time,
        template=rng.choice(topic.templates[stream, sentiment]),
        topic=topic.topic,
        sentiment=sentiment,
        slots=topic.slots,
        known=cast(topic.companies, rng) | calendar(time),
        rng=rng,
    )
