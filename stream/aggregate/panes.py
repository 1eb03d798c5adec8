"""Panes and windows of one key: pure counting in event time, no clock, no Kafka.

    event time  ──┬──────┬──────┬──────┬──────┬──►      a pane is [start, start + evaluate_every)
    panes         │ p0   │ p1   │ p2   │ p3   │
    window at t   [------------ L ------------) t       a window is [t - L, t), a whole number of panes

A story is counted once per window however many copies the window holds, with the label of its first document
(lowest event time, then place in Kafka), wherever that stands. A pane that is behind every window and takes no more
documents is archived: of it only its stories are remembered, until no window can meet a copy of them.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence

from stream.aggregate.records import (
    EVIDENCE_CHARACTERS,
    OTHERS,
    SOURCES_PER_PANE,
    STORIES_PER_MINUTE,
    Candidate,
    MinuteRecord,
    Pane,
    document_order,
    join_panes,
    keep_candidate,
)
from stream.aggregate.stories import Stories, name_hash, story_hash
from stream.aggregate.windows import NOTHING, Counts, Window
from stream.messages import NEGATIVE, Classified

MINUTE = 60


class Panes:
    """The panes of one key and the windows that slide over them.

    `move` is the only thing that moves the windows; `add` may put a document anywhere, before or after them.
    """

    def __init__(self, lengths: Iterable[int], pane_seconds: int) -> None:
        self.pane_seconds = pane_seconds
        self._stories_per_pane = STORIES_PER_MINUTE * pane_seconds // MINUTE
        self.windows = [Window(length) for length in lengths]
        self.end: int | None = None  # the windows' common end; None before the first move
        self.minutes: dict[int, MinuteRecord] = {}  # those that are not archived
        self.stories = Stories()
        self.applied: dict[int, int] = {}  # source partition -> highest offset applied
        self.counts: list[Counts] = [NOTHING] * len(self.windows)  # of the windows where they stand
        self.next_change: int | None = None  # the next pane end at which a pane enters or leaves a window
        self.oldest: int | None = None  # start of the oldest pane, archived or not
        self._starts: list[int] = []  # of the panes that are not archived, in order

    def holds(self, source_partition: int, offset: int) -> bool:
        """Whether a document was counted: results come in offset order, so all up to the highest were."""
        return self.applied.get(source_partition, -1) >= offset

    def add(self, time: float, source_partition: int, message: Classified) -> None:
        """Count a document that was not counted before; `time` is its event time in Unix seconds."""
        minute = int(time // MINUTE)
        record = self.minutes.get(minute)
        if record is None:
            record = self.minutes[minute] = MinuteRecord()
        self.applied[source_partition] = record.applied[source_partition] = message.origin.offset
        start = int(time // self.pane_seconds) * self.pane_seconds
        pane = record.panes.get(start)
        if pane is None:
            pane = record.panes[start] = Pane()
            self._insert(start)
        negative = message.sentiment == NEGATIVE
        pane.documents += 1
        pane.negative_documents += negative
        source, story = name_hash(message.source), story_hash(message.story)
        if len(pane.sources) >= SOURCES_PER_PANE and source not in pane.sources:
            source = OTHERS
        if len(pane.stories) >= self._stories_per_pane and story not in pane.stories:
            story = OTHERS
        order = document_order(
            round((time - start) * 1000), source_partition, message.origin.offset, negative
        )
        covering = self._covering(start)
        if covering:
            self._add_to_windows(covering, start, pane, source, negative)
        pane.sources.add(source)
        known = pane.stories.get(story)
        if known is None:
            pane.stories[story] = order
            self._label(story, start, negative, covering)
        elif order < known:
            pane.stories[story] = order
            if (order ^ known) & 1:
                self._label(story, start, negative, ())
        if negative:
            candidate = Candidate(
                probability=message.sentiment_probability,
                source_partition=source_partition,
                offset=message.origin.offset,
                event_time=time,
                story=story,
                text=message.text[:EVIDENCE_CHARACTERS],
                source=message.source,
                url=message.url,
                model=message.model,
            )
            record.evidence = keep_candidate(record.evidence, candidate)
        if start < (self.end or 0):  # a late document, or one that changes the label of a story
            self._count()

    def _insert(self, start: int) -> None:
        """A pane that was not there before."""
        insort(self._starts, start)
        if self.oldest is None or start < self.oldest:
            self.oldest = start
        if self.end is None or start >= self.end:
            enters = start + self.pane_seconds
            if self.next_change is None or enters < self.next_change:
                self.next_change = enters

    def _count(self) -> None:
        """Note what the windows hold now, and when that changes next."""
        self.counts = [window.counts() for window in self.windows]
        self.next_change = self._find_next_change()

    def _covering(self, start: int) -> Sequence[Window]:
        """The windows that hold a pane: none for a document that is not late."""
        end = self.end
        if end is None or start >= end:
            return ()
        return [window for window in self.windows if start >= end - window.length]

    def _add_to_windows(
        self, covering: Sequence[Window], start: int, pane: Pane, source: int, negative: bool
    ) -> None:
        new_source = source not in pane.sources
        for window in covering:
            window.documents += 1
            window.negative_documents += negative
            if new_source:
                window.sources[source] = window.sources.get(source, 0) + 1
            if window.oldest is None or start < window.oldest:
                window.oldest = start

    def _label(self, story: int, start: int, negative: bool, covering: Sequence[Window]) -> None:
        """Note the label that a pane gives a story; `covering` holds the windows to which the story is new there."""
        change = self.stories.put(story, start // self.pane_seconds, negative)
        if not (change or covering):
            return
        label = self.stories.first[story] & 1
        for window in self.windows:
            panes = window.stories.get(story)
            if panes is not None:
                window.negative_stories += change
            if window in covering:
                window.stories[story] = (panes or 0) + 1
                if panes is None:
                    window.negative_stories += label

    def move(self, end: int) -> None:
        """Slide every window so that it ends at `end`."""
        if self.next_change is None or end < self.next_change:
            self.end = end
            return
        starts, first = self._starts, self.stories.first
        entering = 0 if self.end is None else bisect_left(starts, self.end)
        entered = [
            (start, self.minutes[start // MINUTE].panes[start])
            for start in starts[entering : bisect_left(starts, end)]
        ]
        for window in self.windows:
            begin = end - window.length
            if window.oldest is not None and window.oldest < begin:
                self._leave(window, begin, entering)
            for start, pane in entered:
                if start >= begin:
                    window.enter(start, pane, first)
        self.end = end
        self._count()

    def _leave(self, window: Window, begin: int, entered: int) -> None:
        """Give up the panes of a window before `begin`; those before the index `entered` were inside."""
        assert window.oldest is not None  # noqa: S101
        starts, index = self._starts, bisect_left(self._starts, window.oldest)
        while index < entered and starts[index] < begin:
            window.leave(self.minutes[starts[index] // MINUTE].panes[starts[index]], self.stories.first)
            index += 1
        window.oldest = starts[index] if index < entered else None

    def _find_next_change(self) -> int | None:
        soonest: int | None = None
        starts, end = self._starts, self.end
        if starts and (end is None or starts[-1] >= end):
            pending = starts[0 if end is None else bisect_left(starts, end)]
            soonest = pending + self.pane_seconds
        for window in self.windows:
            if window.oldest is not None:
                leaves = window.oldest + window.length + self.pane_seconds
                if soonest is None or leaves < soonest:
                    soonest = leaves
        return soonest

    def restore(self, minute: int, record: MinuteRecord) -> None:
        """Put back a record read from `state`, before the first move; minutes come in order."""
        join_panes(record, self.pane_seconds)
        self.minutes[minute] = record
        for partition, offset in record.applied.items():
            self.applied[partition] = max(offset, self.applied.get(partition, -1))
        for start, pane in record.panes.items():
            self._insert(start)
            for story, order in pane.stories.items():
                self.stories.put(story, start // self.pane_seconds, bool(order & 1))

    def archive(self, before: int) -> list[tuple[int, MinuteRecord]]:
        """Archive the minutes that end at or before a time: no window reaches them, and they take no document.

        Gives the minutes with their records, which are not held any longer.
        """
        if not self._starts or self._starts[0] >= before // MINUTE * MINUTE:
            return []
        count = bisect_left(self._starts, before // MINUTE * MINUTE)
        archived = {start // MINUTE: self.minutes[start // MINUTE] for start in self._starts[:count]}
        for start in self._starts[:count]:
            self.stories.archive(archived[start // MINUTE].panes[start].stories)
        for minute in archived:
            del self.minutes[minute]
        del self._starts[:count]
        return list(archived.items())

    def forget(self, before: int) -> list[int]:
        """Drop the archived minutes that end at or before a time; returns them. Labels may pass to later copies."""
        if self.oldest is None or self.oldest >= before // MINUTE * MINUTE:
            return []
        minutes = dict[int, None]()
        for pane, story, change in self.stories.forget(before // MINUTE * MINUTE // self.pane_seconds):
            minutes[pane * self.pane_seconds // MINUTE] = None
            if change:
                for window in self.windows:
                    if story in window.stories:
                        window.negative_stories += change
        self._count()
        archived = self.stories.oldest_archived
        if archived is not None:
            self.oldest = archived * self.pane_seconds
        else:
            self.oldest = self._starts[0] if self._starts else None
        return list(minutes)

    def evidence(self, begin: int, end: int, limit: int) -> list[Candidate]:
        """The leading negative stories of [begin, end), one document each."""
        best: dict[int, Candidate] = {}
        minutes = (self.minutes[m] for m in range(begin // MINUTE, end // MINUTE + 1) if m in self.minutes)
        for candidate in (c for record in minutes for c in record.evidence):
            if begin <= candidate.event_time < end:
                held = best.get(candidate.story)
                if held is None or candidate.rank < held.rank:
                    best[candidate.story] = candidate
        return sorted(best.values(), key=lambda candidate: candidate.rank)[:limit]
