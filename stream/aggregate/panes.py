"""Panes and windows of one key: pure counting in event time, no clock, no Kafka.

    event time  ──┬──────┬──────┬──────┬──────┬──►      a pane is [start, start + evaluate_every)
    panes         │ p0   │ p1   │ p2   │ p3   │
    window at t   [------------ L ------------) t       a window is [t - L, t), a whole number of panes

A story is one set of near-duplicates of one key. It is counted once per window however many copies the window
holds, and it carries the label of its first document (lowest event time, then origin), wherever that stands.
"""

from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from alerting.detector import WindowCounts
from stream.messages import Classified, Origin

MINUTE = 60
NEGATIVE = "negative"
EVIDENCE_PER_MINUTE = 8  # candidates kept; an alert shows five, of up to six hours
EVIDENCE_CHARACTERS = 300


class First(msgspec.Struct, frozen=True, order=True, array_like=True):
    """The first document of a story within one pane; the smallest over all panes labels the story."""

    event_time: float
    origin: Origin
    negative: bool


class Pane(msgspec.Struct, array_like=True):
    """The counts of one pane."""

    documents: int = 0
    negative_documents: int = 0
    stories: dict[str, First] = {}
    sources: set[str] = set()


class Candidate(msgspec.Struct, frozen=True, array_like=True):
    """A negative document that may be shown as evidence."""

    probability: float
    origin: Origin
    event_time: float
    story: str
    text: str
    source: str
    url: str | None

    @property
    def rank(self) -> tuple[float, Origin]:
        """Most probable first; the origin settles ties, so that the order of arrival does not matter."""
        return (-self.probability, self.origin)


class MinuteRecord(msgspec.Struct, array_like=True):
    """What the `state` topic holds of one key and minute."""

    panes: dict[int, Pane] = {}  # by the pane's start
    applied: dict[str, int] = {}  # highest offset applied, by source partition
    evidence: list[Candidate] = []


@dataclass
class Window:
    """The counts over [end - length, end), kept up to date pane by pane."""

    length: int
    documents: int = 0
    negative_documents: int = 0
    negative_stories: int = 0
    stories: Counter[str] = field(default_factory=Counter)  # panes of the window that hold the story
    sources: Counter[str] = field(default_factory=Counter)

    def counts(self, end: int) -> WindowCounts:
        """A frozen copy for the detector."""
        return WindowCounts(
            window_seconds=self.length,
            window_start=end - self.length,
            window_end=end,
            documents=self.documents,
            negative_documents=self.negative_documents,
            stories=len(self.stories),
            negative_stories=self.negative_stories,
            sources=len(self.sources),
        )


class Panes:
    """The panes of one key and the windows that slide over them.

    `move` is the only thing that moves the windows; `add` may put a document anywhere, before or after them.
    """

    def __init__(self, lengths: Iterable[int], pane_seconds: int) -> None:
        self.pane_seconds = pane_seconds
        self.windows = [Window(length) for length in lengths]
        self.end: int | None = None  # the windows' common end; None before the first move
        self.minutes: dict[int, MinuteRecord] = {}
        self._starts: list[int] = []  # of the panes that hold documents, in order
        self._stories: dict[str, dict[int, First]] = {}  # per story: its first document in each pane

    def holds(self, message: Classified) -> bool:
        """Whether a document was counted: results come in offset order, so all up to the highest were."""
        record = self.minutes.get(int(message.event_time.timestamp() // MINUTE))
        return record is not None and record.applied.get(_source(message), -1) >= message.origin.offset

    def add(self, message: Classified) -> None:
        """Count a document that was not counted before."""
        time = message.event_time.timestamp()
        record = self.minutes.setdefault(int(time // MINUTE), MinuteRecord())
        record.applied[_source(message)] = message.origin.offset
        start = int(time // self.pane_seconds) * self.pane_seconds
        if start not in record.panes:
            record.panes[start] = Pane()
            insort(self._starts, start)
        pane = record.panes[start]
        negative = message.sentiment == NEGATIVE
        pane.documents += 1
        pane.negative_documents += negative
        covering = [window for window in self.windows if self._covers(window, start)]
        for window in covering:
            window.documents += 1
            window.negative_documents += negative
        if message.source not in pane.sources:
            pane.sources.add(message.source)
            for window in covering:
                window.sources[message.source] += 1
        self._add_story(message.story, start, pane, First(time, message.origin, negative))
        if negative:
            _keep_evidence(record, message, time)

    def _add_story(self, story: str, start: int, pane: Pane, first: First) -> None:
        places = self._stories.setdefault(story, {})
        was_negative = _label(places)
        new_here = start not in places
        if new_here or first < places[start]:
            pane.stories[story] = places[start] = first
        is_negative = _label(places)
        for window in self.windows:
            held = story in window.stories
            if new_here and self._covers(window, start):
                window.stories[story] += 1
            if held:
                window.negative_stories += is_negative - was_negative
            elif story in window.stories:
                window.negative_stories += is_negative

    def _covers(self, window: Window, start: int) -> bool:
        return self.end is not None and self.end - window.length <= start < self.end

    def move(self, end: int) -> None:
        """Slide every window so that it ends at `end`."""
        for window in self.windows:
            begin = end - window.length
            if self.end is not None:
                for start in self._between(self.end - window.length, min(self.end, begin)):
                    self._shift(window, start, -1)
            for start in self._between(begin if self.end is None else max(self.end, begin), end):
                self._shift(window, start, +1)
        self.end = end

    def _between(self, begin: int, end: int) -> list[int]:
        """Starts of the panes that hold documents, in [begin, end)."""
        return self._starts[bisect_left(self._starts, begin) : bisect_left(self._starts, end)]

    def _shift(self, window: Window, start: int, sign: int) -> None:
        pane = self.minutes[start // MINUTE].panes[start]
        window.documents += sign * pane.documents
        window.negative_documents += sign * pane.negative_documents
        _count(window.sources, pane.sources, sign)
        before = {story for story in pane.stories if story in window.stories}
        _count(window.stories, pane.stories, sign)
        after = {story for story in pane.stories if story in window.stories}
        for story in before ^ after:
            window.negative_stories += sign * _label(self._stories[story])

    def restore(self, minute: int, record: MinuteRecord) -> None:
        """Put back a record read from `state`, before the first move."""
        self.minutes[minute] = record
        for start, pane in record.panes.items():
            insort(self._starts, start)
            for story, first in pane.stories.items():
                self._stories.setdefault(story, {})[start] = first

    def forget(self, before: int) -> list[int]:
        """Drop the minutes that end at or before a time that no window reaches; returns them."""
        count = bisect_left(self._starts, before // MINUTE * MINUTE)
        old = list(dict.fromkeys(start // MINUTE for start in self._starts[:count]))
        del self._starts[:count]
        for minute in old:
            for start, pane in self.minutes.pop(minute).panes.items():
                for story in pane.stories:
                    self._forget_place(story, start)
        return old

    def _forget_place(self, story: str, start: int) -> None:
        places = self._stories[story]
        was_negative = _label(places)
        del places[start]
        change = _label(places) - was_negative
        for window in self.windows:
            if story in window.stories:
                window.negative_stories += change
        if not places:
            del self._stories[story]

    def evidence(self, begin: int, end: int, limit: int) -> list[Candidate]:
        """The leading negative stories of [begin, end), one document each."""
        best: dict[str, Candidate] = {}
        minutes = (self.minutes[m] for m in range(begin // MINUTE, end // MINUTE + 1) if m in self.minutes)
        for candidate in (c for record in minutes for c in record.evidence):
            if begin <= candidate.event_time < end:
                held = best.get(candidate.story)
                if held is None or candidate.rank < held.rank:
                    best[candidate.story] = candidate
        return sorted(best.values(), key=lambda candidate: candidate.rank)[:limit]


def _source(message: Classified) -> str:
    return f"{message.origin.topic}-{message.origin.partition}"


def _label(places: dict[int, First]) -> bool:
    return min(places.values()).negative if places else False


def _count(counter: Counter[str], names: set[str] | dict[str, First], sign: int) -> None:
    for name in names:
        counter[name] += sign
        if not counter[name]:
            del counter[name]


def _keep_evidence(record: MinuteRecord, message: Classified, time: float) -> None:
    candidate = Candidate(
        probability=message.sentiment_probability,
        origin=message.origin,
        event_time=time,
        story=message.story,
        text=message.text[:EVIDENCE_CHARACTERS],
        source=message.source,
        url=message.url,
    )
    kept = [held for held in record.evidence if held.story != message.story]
    rivals = [held for held in record.evidence if held.story == message.story]
    best = min([candidate, *rivals], key=lambda each: each.rank)
    record.evidence = sorted([*kept, best], key=lambda each: each.rank)[:EVIDENCE_PER_MINUTE]
