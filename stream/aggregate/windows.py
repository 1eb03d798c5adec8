"""The sliding windows of a key: one common end, several lengths, and what each one holds. Pure."""

from collections.abc import Iterable, Sequence

from stream.aggregate.records import Pane

Counts = tuple[int, int, int, int, int]  # documents, negative ones, stories, negative ones, sources
NOTHING: Counts = (0, 0, 0, 0, 0)


class Window:
    """The counts over [end - length, end)."""

    __slots__ = (
        "documents",
        "length",
        "negative_documents",
        "negative_stories",
        "oldest",
        "sources",
        "stories",
    )

    def __init__(self, length: int) -> None:
        self.length = length
        self.documents = self.negative_documents = self.stories = self.negative_stories = self.sources = 0
        self.oldest: int | None = None  # start of the oldest pane inside

    def counts(self) -> Counts:
        """What it holds now."""
        return (self.documents, self.negative_documents, self.stories, self.negative_stories, self.sources)


class Windows:
    """All windows of a key, kept up to date pane by pane.

    They end together, so a story stands in a window if the latest pane that holds it does: one number a story is
    enough for every length. The same holds for sources. `first`, where it is asked for, holds the label of
    each story in its lowest bit.
    """

    def __init__(self, lengths: Iterable[int]) -> None:
        """`lengths` in seconds, ascending."""
        self.all = [Window(length) for length in lengths]
        self._latest_story: dict[int, int] = {}  # story -> start of the latest pane in the longest window
        self._latest_source: dict[int, int] = {}

    def counts(self) -> list[Counts]:
        """What each one holds now."""
        return [window.counts() for window in self.all]

    def enter(self, start: int, pane: Pane, end: int, first: dict[int, int]) -> None:
        """Take in a pane, later than those inside; `end` is the windows' new end."""
        covering = self.covering(start, end)
        if not covering:
            return
        for window in covering:
            window.documents += pane.documents
            window.negative_documents += pane.negative_documents
            if window.oldest is None:
                window.oldest = start
        stories, negative_stories, latest = 0, 0, self._latest_story
        for story in pane.stories:
            before = latest.get(story)
            latest[story] = start
            if before is None:
                stories += 1
                negative_stories += first[story] & 1
            else:
                for window in covering:
                    if before < end - window.length:
                        window.stories += 1
                        window.negative_stories += first[story] & 1
        sources, latest = 0, self._latest_source
        for source in pane.sources:
            before = latest.get(source)
            latest[source] = start
            if before is None:
                sources += 1
            else:
                for window in covering:
                    window.sources += before < end - window.length
        for window in covering:
            window.stories += stories
            window.negative_stories += negative_stories
            window.sources += sources

    def leave(self, window: Window, start: int, pane: Pane, first: dict[int, int]) -> None:
        """A window gives its oldest pane up; the shorter ones have done so before."""
        window.documents -= pane.documents
        window.negative_documents -= pane.negative_documents
        latest = self._latest_story
        gone = [story for story in pane.stories if latest[story] == start]
        window.stories -= len(gone)
        for story in gone:
            window.negative_stories -= first[story] & 1
        latest_source = self._latest_source
        gone_sources = [source for source in pane.sources if latest_source[source] == start]
        window.sources -= len(gone_sources)
        if window is self.all[-1]:
            for story in gone:
                del latest[story]
            for source in gone_sources:
                del latest_source[source]

    def covering(self, start: int, end: int) -> Sequence[Window]:
        """The windows that hold a pane which begins before `end`."""
        if start >= end - self.all[0].length:
            return self.all
        return [window for window in self.all if start >= end - window.length]

    def add_late(
        self, start: int, end: int, negative: bool, source: int, new_story: tuple[int, int] | None
    ) -> None:
        """Count a document of a pane that the windows have passed.

        `new_story` holds its story and the story's label, if that is not in the pane yet.
        """
        covering = self.covering(start, end)
        if not covering:
            return
        for window in covering:
            window.documents += 1
            window.negative_documents += negative
            if window.oldest is None or start < window.oldest:
                window.oldest = start
        for window in _widen(self._latest_source, source, start, end, covering):
            window.sources += 1
        if new_story is not None:
            for window in _widen(self._latest_story, new_story[0], start, end, covering):
                window.stories += 1
                window.negative_stories += new_story[1]

    def relabel(self, story: int, end: int, change: int) -> None:
        """The label of a story changes where it stands."""
        latest = self._latest_story.get(story)
        if latest is not None:
            for window in self.all:
                if latest >= end - window.length:
                    window.negative_stories += change


def _widen(
    latest: dict[int, int], name: int, start: int, end: int, covering: Sequence[Window]
) -> Sequence[Window]:
    """Note that a pane holds a name; gives the windows that hold it only since then."""
    before = latest.get(name)
    if before is not None and before >= start:
        return ()
    latest[name] = start
    if before is None:
        return covering
    return [window for window in covering if before < end - window.length]
