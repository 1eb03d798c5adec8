"""Copies of a story: other outlets syndicate it within minutes or hours, and people share it in comments."""

import random
from collections.abc import Iterator
from dataclasses import replace

from bearwatch.sample.library import library
from bearwatch.sample.phrases import render
from bearwatch.sample.world import SLOT_SECONDS, SampleDocument, SampleWorld
from bearwatch.sample.writing import address

REACH_SLOTS = 18  # three hours: there are no later copies
_MEDIAN_DELAY_SECONDS = 12 * 60.0
_SYNDICATED_RATIO, _SHARED_RATIO = 0.25, 0.12  # of the news


def echoes(world: SampleWorld, original: SampleDocument) -> Iterator[SampleDocument]:
    """The copies of one document; they depend on the document and the world's seed alone."""
    if original.title is None:
        return
    rng = random.Random(f"{world.seed}/echo/{original.id}")  # noqa: S311 - not a secret
    if rng.random() < _SYNDICATED_RATIO:
        others = [source for source in library().outlets["news"] if source != original.source]
        for n, source in enumerate(rng.sample(others, rng.choice((1, 1, 1, 2, 2, 3, 4, 5)))):
            yield _syndicated(original, f"{original.id}.{n}", source, rng)
    if rng.random() < _SHARED_RATIO:
        yield _shared(original, f"{original.id}.rt", rng)


def _syndicated(original: SampleDocument, id: str, source: str, rng: random.Random) -> SampleDocument:
    assert original.title is not None  # noqa: S101 - news has a title
    edited = rng.choice(
        ("{}", "{}", "{}", "{}", "UPDATE 1-{}", "{} - {agency}", "{}.", "REFILE-{}", "{} | {source}")
    )
    title = edited.replace("{}", original.title).format(agency=original.source, source=source)
    text = title if rng.random() < 0.3 else original.text.replace(original.title, title, 1)
    host = library().outlets["news"][source]
    return replace(
        original,
        published_at=original.published_at + _delay(rng),
        id=id,
        text=text,
        source=source,
        url=address(host, original.intended_topic, original.title, id),
        title=title,
    )


def _shared(original: SampleDocument, id: str, rng: random.Random) -> SampleDocument:
    outlets = library().outlets["comments"]
    source = rng.choice(tuple(outlets))
    account = "".join(original.source.split())
    return replace(
        original,
        stream="comments",
        published_at=original.published_at + _delay(rng),
        id=id,
        text=f"RT @{account}: {original.title} {original.url}",
        source=source,
        url=address(outlets[source], original.intended_topic, original.title or "", id),
        title=None,
        author=render("{handle}", library().slots, rng, {}),
    )


def _delay(rng: random.Random) -> float:
    """Seconds, log-normal: most copies come within half an hour, some after hours."""
    return min(_MEDIAN_DELAY_SECONDS * rng.lognormvariate(0, 1.0), REACH_SLOTS * SLOT_SECONDS)
