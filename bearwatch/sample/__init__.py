"""The sample feed: an endless, made-up stream of financial news and comments, the same for the same seed.
It is not taken from any real feed.

    world = SampleWorld(seed=7, anchor=time_of_first_start)
    for document in documents(world, world.anchor - HISTORY_SECONDS, now):
        ...

Companies, people and outlets are fictional. The texts were written for this project and are in `texts/`.
"""

from bearwatch.sample.feed import documents
from bearwatch.sample.world import HISTORY_SECONDS, SampleDocument, SampleWorld

__all__ = ["HISTORY_SECONDS", "SampleDocument", "SampleWorld", "documents"]
