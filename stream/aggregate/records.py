"""The counts of one key and minute, as they are held in memory and written to `state`."""

from bisect import insort
from operator import attrgetter

import msgspec

EVIDENCE_PER_MINUTE = 8  # candidates kept; an alert shows five, of up to the longest window
EVIDENCE_CHARACTERS = 300
# A record is bounded whatever documents say, as Kafka takes no more than `STATE_BYTES`: a source takes 9 bytes, a
# story 18, so that a minute takes 7.3 MB at most (12.7 MB after a policy with other panes).
SOURCES_PER_PANE = 1000
STORIES_PER_MINUTE = 400_000  # 6,700 a second
OTHERS = 0  # stands for all sources, or all stories, that a pane has no room for: they count as one
_MILLISECONDS_FROM = 48  # the lowest of their bits in `document_order`


class Pane(msgspec.Struct, array_like=True):
    """The counts of one pane. Stories and sources are hashes; `document_order` makes a story's value.

    Where `OTHERS` is among the sources or the stories there were at least as many as are counted.
    """

    documents: int = 0
    negative_documents: int = 0
    stories: dict[int, int] = {}  # story -> its first document in this pane
    sources: set[int] = set()


class Candidate(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """A negative document that may be shown as evidence."""

    probability: float
    source_partition: int
    offset: int
    event_time: float
    story: int
    text: str
    source: str
    url: str | None
    model: str  # hash of the model that classified it

    @property
    def rank(self) -> tuple[float, int, int]:
        """Most probable first; the place in Kafka settles ties, so that the order of arrival does not matter."""
        return (-self.probability, self.source_partition, self.offset)


class MinuteRecord(msgspec.Struct, array_like=True):
    """All panes of a key that begin in one minute."""

    panes: dict[int, Pane] = {}  # by the pane's start, Unix seconds
    applied: dict[int, int] = {}  # source partition -> highest offset applied
    evidence: list[Candidate] = []


def document_order(milliseconds: int, source_partition: int, offset: int, negative: bool) -> int:
    """A document of a pane as 64 bits that order it by event time, then by place in Kafka; the lowest is its label.

    16 bits for the milliseconds since the pane's start (a pane is a minute at most), 12 for the source partition, 35
    for the offset. Of the last two the lowest bits are taken: they only settle which of two documents of the same
    millisecond is the first, always in the same way.
    """
    return (
        milliseconds << _MILLISECONDS_FROM
        | (source_partition & 0xFFF) << 36
        | (offset & 0x7FFFFFFFF) << 1
        | negative
    )


def join_panes(record: MinuteRecord, pane_seconds: int) -> None:
    """Put panes that begin within a pane of today's length into it: an earlier policy may have had shorter ones."""
    for start in [start for start in record.panes if start % pane_seconds]:
        pane, begin = record.panes.pop(start), start // pane_seconds * pane_seconds
        into = record.panes.setdefault(begin, Pane())
        into.documents += pane.documents
        into.negative_documents += pane.negative_documents
        into.sources |= pane.sources
        later = (start - begin) * 1000 << _MILLISECONDS_FROM
        for story, order in pane.stories.items():
            into.stories[story] = min(order + later, into.stories.get(story, order + later))


def keep_candidate(evidence: list[Candidate], candidate: Candidate) -> list[Candidate]:
    """The leading candidates of a minute with one more, one of each story, the most probable first."""
    rank = candidate.rank
    if len(evidence) == EVIDENCE_PER_MINUTE and rank > evidence[-1].rank:
        return evidence
    rivals = [each for each in evidence if each.story == candidate.story]
    if rivals and rivals[0].rank < rank:
        return evidence
    kept = [each for each in evidence if each.story != candidate.story]
    insort(kept, candidate, key=attrgetter("rank"))
    return kept[:EVIDENCE_PER_MINUTE]
