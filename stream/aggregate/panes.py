"""Panes and windows of one key: pure counting in event time, no clock, no Kafka.

    event time  ──┬──────┬──────┬──────┬──────┬──►      a pane is [start, start + evaluate_every)
    panes         │ p0   │ p1   │ p2   │ p3   │
    window at t   [------------ L ------------) t       a window is [t - L, t), a whole number of panes

A story is counted once per window however many copies the window holds, with the label of its first document
(lowest event time, then place in Kafka), wherever that stands. A pane that is behind every window and takes no more
documents is archived: of it only its stories are remembered, until no window can meet a copy of them.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Iterable

from stream.aggregate.records import (
    EVIDENCE_CHARACTERS,
    EVIDENCE_PER_MINUTE,
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
from stream.aggregate.windows import Counts, Window, Windows
from stream.messages import NEGATIVE, Classified

MINUTE = 60


class Panes:
    """The panes of one key and the windows that slide over them.

    `move` is the only thing that moves the windows; `add` may put a document anywhere, before or after them.
    """

    def __init__(self, lengths: Iterable[int], pane_seconds: int) -> None:
        self.pane_seconds = pane_seconds
        self._stories_per_pane = STORIES_PER_MINUTE * pane_seconds // MINUTE
        self.windows = Windows(lengths)
        self.end: int | None = None  # the windows' common end; None before the first move
        self.minutes: dict[int, MinuteRecord] = {}  # those that are not archived
        self.stories = Stories()
        self.applied: dict[int, int] = {}  # source partition -> highest offset applied
        self.counts: list[Counts] = self.windows.counts()  # where the windows stand
        self.next_change: int | None = None  # the next pane end at which a pane enters or leaves a window
        self.oldest: int | None = None  # start of the oldest pane, archived or not
        self._starts: list[int] = []  # of the panes that are not archived, in order

    def holds(self, source_partition: int, offset: int) -> bool:
        """Whether a document was counted: results come in offset order, so all up to the highest were."""
        return self.applied.get(source_partition, -1) >= offset

    def add(self, time: float, source_partition: int, message: Classified) -> bool:
        """Count a document that was not counted before; `time` is its event time in Unix seconds.

        Returns whether it is the first of its pane.
        """
        offset, second = message.origin.offset, math.floor(time)
        minute, start = second // MINUTE, second - second % self.pane_seconds
        record = self.minutes.get(minute)
        if record is None:
            record = self.minutes[minute] = MinuteRecord()
        self.applied[source_partition] = record.applied[source_partition] = offset
        pane = record.panes.get(start)
        if first := pane is None:
            pane = record.panes[start] = Pane()
            self._insert(start)
        negative = message.sentiment == NEGATIVE
        source, story = name_hash(message.source), story_hash(message.story)
        known = pane.stories.get(story)
        if known is None and len(pane.stories) >= self._stories_per_pane:
            story, known = OTHERS, pane.stories.get(OTHERS)
        if source not in pane.sources:
            if len(pane.sources) >= SOURCES_PER_PANE:
                source = OTHERS
            pane.sources.add(source)
        pane.documents += 1
        if negative:
            pane.negative_documents += 1
            _keep_evidence(record, time, source_partition, story, message)
        order = document_order(round((time - start) * 1000), source_partition, offset, negative)
        change = 0
        if known is None or order < known:
            pane.stories[story] = order
            if known is None or (order ^ known) & 1:
                change = self.stories.put(story, start // self.pane_seconds, negative)
        if self.end is not None and start < self.end:
            self._add_late(start, source, story, negative, change, known is None)
        return first

    def _insert(self, start: int) -> None:
        """A pane that was not there before."""
        insort(self._starts, start)
        if self.oldest is None or start < self.oldest:
            self.oldest = start
        if self.end is None or start >= self.end:
            enters = start + self.pane_seconds
            if self.next_change is None or enters < self.next_change:
                self.next_change = enters

    def _add_late(self, start: int, source: int, story: int, negative: bool, change: int, new: bool) -> None:
        """A document came into a pane that the windows have passed; its story may be new there."""
        assert self.end is not None  # noqa: S101
        self.windows.relabel(story, self.end, change)
        label = self.stories.first[story] & 1
        self.windows.add_late(start, self.end, negative, source, (story, label) if new else None)
        self.counts = self.windows.counts()
        self.next_change = self._find_next_change()

    def move(self, end: int) -> None:
        """Slide every window so that it ends at `end`."""
        if self.next_change is None or end < self.next_change:
            self.end = end
            return
        starts, windows, first = self._starts, self.windows, self.stories.first
        entering = 0 if self.end is None else bisect_left(starts, self.end)
        self.end = end
        for window in windows.all:
            if window.oldest is not None and window.oldest < end - window.length:
                self._leave(window, end - window.length, entering)
        for start in starts[entering : bisect_left(starts, end, entering)]:
            windows.enter(start, self.minutes[start // MINUTE].panes[start], end, first)
        self.counts = windows.counts()
        self.next_change = self._find_next_change()

    def _leave(self, window: Window, begin: int, entered: int) -> None:
        """Give up the panes of a window before `begin`; those before the index `entered` were inside."""
        assert window.oldest is not None  # noqa: S101
        starts, index = self._starts, bisect_left(self._starts, window.oldest)
        while index < entered and (start := starts[index]) < begin:
            pane = self.minutes[start // MINUTE].panes[start]
            self.windows.leave(window, start, pane, self.stories.first)
            index += 1
        window.oldest = starts[index] if index < entered else None

    def _find_next_change(self) -> int | None:
        soonest: int | None = None
        starts, end = self._starts, self.end
        if starts and (end is None or starts[-1] >= end):
            soonest = starts[0 if end is None else bisect_left(starts, end)] + self.pane_seconds
        for window in self.windows.all:
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
            if change and self.end is not None:
                self.windows.relabel(story, self.end, change)
        self.counts = self.windows.counts()
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


def _keep_evidence(
    record: MinuteRecord, time: float, source_partition: int, story: int, message: Classified
) -> None:
    """Keep a negative document if it is among the leading ones of its minute."""
    evidence, probability = record.evidence, message.sentiment_probability
    if len(evidence) == EVIDENCE_PER_MINUTE and probability < evidence[-1].probability:
        return  # most often
    candidate = Candidate(
        probability=probability,
        source_partition=source_partition,
        offset=message.origin.offset,
        event_time=time,
        story=story,
        text=message.text[:EVIDENCE_CHARACTERS],
        source=message.source,
        url=message.url,
        model=message.model,
    )
    record.evidence = keep_candidate(evidence, candidate)
