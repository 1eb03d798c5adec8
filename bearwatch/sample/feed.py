"""All documents of a world in the order of their times, for any interval."""

from collections.abc import Iterator
from functools import lru_cache

from bearwatch.sample.background import background_documents
from bearwatch.sample.echoes import REACH_SLOTS, echoes
from bearwatch.sample.surges import surge_documents
from bearwatch.sample.world import SampleDocument, SampleWorld


def documents(world: SampleWorld, start: float, end: float) -> Iterator[SampleDocument]:
    """Documents with start <= published_at < end, Unix seconds; the same however an interval is divided."""
    if start >= end:
        return
    # One slot more on either side, because a division may round a time to the neighbouring slot.
    for slot in range(world.slot_of(start) - 1, world.slot_of(end) + 2):
        yield from (d for d in _published_in(world, slot) if start <= d.published_at < end)


def _published_in(world: SampleWorld, slot: int) -> list[SampleDocument]:
    start, end = world.slot_start(slot), world.slot_start(slot + 1)
    candidates = (d for s in range(slot - REACH_SLOTS - 1, slot + 1) for d in _stories_of(world, s))
    return sorted((d for d in candidates if start <= d.published_at < end), key=lambda d: d.position)


@lru_cache(maxsize=64)
def _stories_of(world: SampleWorld, slot: int) -> tuple[SampleDocument, ...]:
    """The stories that begin in a slot, with all their copies, which may be later."""
    originals = (*background_documents(world, slot), *surge_documents(world, slot))
    return (*originals, *(copy for original in originals for copy in echoes(world, original)))
