"""One sample world and what tests ask of its documents."""

from datetime import UTC, datetime

from bearwatch.sample import SampleDocument, SampleWorld, documents

HOUR = 3600.0
ANCHOR = datetime(2025, 11, 25, 12, tzinfo=UTC).timestamp()  # a Tuesday: the history holds a weekend
WORLD = SampleWorld(seed=7, anchor=ANCHOR)


def between(world: SampleWorld, start: float, end: float) -> list[SampleDocument]:
    return list(documents(world, start, end))


def is_copy(document: SampleDocument) -> bool:
    return document.id.count(".") > 1
