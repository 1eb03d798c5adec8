"""The stories of one key: in which panes each one stands, and the label its first document gives it. Pure.

A story is one set of near-duplicates of one key. Its label is that of its first document, wherever that stands. Most
stories have one document, so what is kept of a story is two numbers: its hash and a *place*, which is the pane's
number and the label that the pane's first document gives, packed into one integer. Python's garbage collector
does not visit integers: 200,000 stories cost it nothing.
"""

from array import array
from bisect import insort
from collections import deque
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b

# Two digits of a Python integer; among a million stories, one pair in two million keys collides.
_HASH_BITS = 60


def story_hash(signature: str) -> int:
    """60 bits for a story's signature, most often 16 hex digits."""
    if len(signature) == 16:
        try:
            return int(signature, 16) >> (64 - _HASH_BITS)
        except ValueError:
            pass
    return name_hash(signature)


@lru_cache(maxsize=4096)
def name_hash(name: str) -> int:
    """60 bits for any name."""
    digest = blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) >> (64 - _HASH_BITS)


def place(pane: int, negative: bool) -> int:
    """Where a story stands, as one integer; later panes have larger ones."""
    return pane << 1 | negative


class Stories:
    """The places of every story, from the oldest pane that is remembered on; panes are counted from 1970."""

    def __init__(self) -> None:
        self.first: dict[int, int] = {}  # story -> its first place; the lowest bit is its label
        self._later: dict[int, deque[int]] = {}  # story -> its other places, ascending; few stories have any
        self._archived = array("Q")  # the stories of the archived panes, in order of the panes
        self._forgotten = 0  # how many of them, at the front, are forgotten

    def __len__(self) -> int:
        return len(self.first)

    def put(self, story: int, pane: int, negative: bool) -> int:
        """Note that a story stands in a pane with a label; returns how the label of a known story changes: -1, 0 or 1.

        Constant time for a story that is repeated in every pane; a late document may search its places.
        """
        new, held = place(pane, negative), self.first.get(story)
        if held is None:
            self.first[story] = new
            return 0
        if new >> 1 == held >> 1:
            self.first[story] = new
            return (new & 1) - (held & 1)
        if new < held:
            self._later.setdefault(story, deque()).appendleft(held)
            self.first[story] = new
            return (new & 1) - (held & 1)
        later = self._later.setdefault(story, deque())
        if not later or later[-1] >> 1 < pane:
            later.append(new)
        else:
            _replace_or_insert(later, new)
        return 0

    def archive(self, stories: Iterable[int]) -> None:
        """Remember the stories of a pane that is closed, only to forget them in time; panes come in order."""
        self._archived.extend(stories)

    @property
    def oldest_archived(self) -> int | None:
        """The oldest archived pane."""
        if self._forgotten == len(self._archived):
            return None
        return self.first[self._archived[self._forgotten]] >> 1

    def forget(self, before: int) -> Iterator[tuple[int, int, int]]:
        """Drop the archived panes below `before`; gives (pane, story, change of its label) of each place.

        The oldest archived story stands in its first place: an older place would have been archived before it.
        """
        while (pane := self.oldest_archived) is not None and pane < before:
            story = self._archived[self._forgotten]
            self._forgotten += 1
            held, later = self.first[story], self._later.get(story)
            if later is None:
                del self.first[story]
                yield pane, story, -(held & 1)
                continue
            self.first[story] = later.popleft()
            if not later:
                del self._later[story]
            yield pane, story, (self.first[story] & 1) - (held & 1)
        if self._forgotten * 2 > len(self._archived):  # what is left moves to the front: at most once each
            del self._archived[: self._forgotten]
            self._forgotten = 0


def _replace_or_insert(places: deque[int], new: int) -> None:
    for index in range(len(places) - 1, -1, -1):
        if places[index] >> 1 == new >> 1:
            places[index] = new
            return
        if places[index] < new:
            break
    insort(places, new)
