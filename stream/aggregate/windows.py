"""One sliding window of a key: what it holds, pane by pane. Pure."""

from collections.abc import Iterable

from stream.aggregate.records import Pane

Counts = tuple[int, int, int, int, int]  # documents, negative ones, stories, negative ones, sources
NOTHING: Counts = (0, 0, 0, 0, 0)


class Window:
    """The counts over [end - length, end), kept up to date pane by pane."""

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
        self.documents = self.negative_documents = self.negative_stories = 0
        self.stories: dict[int, int] = {}  # story -> panes of the window that hold it
        self.sources: dict[int, int] = {}  # source -> panes of the window that hold it
        self.oldest: int | None = None  # start of the oldest pane inside

    def counts(self) -> Counts:
        """What it holds now."""
        return (
            self.documents,
            self.negative_documents,
            len(self.stories),
            self.negative_stories,
            len(self.sources),
        )

    def enter(self, start: int, pane: Pane, first: dict[int, int]) -> None:
        """Take in a pane; `first` holds the label of each story in its lowest bit."""
        self.documents += pane.documents
        self.negative_documents += pane.negative_documents
        stories, sources = self.stories, self.sources
        for story in pane.stories:
            if story in stories:
                stories[story] += 1
            else:
                stories[story] = 1
                self.negative_stories += first[story] & 1
        for source in pane.sources:
            sources[source] = sources.get(source, 0) + 1
        if self.oldest is None or start < self.oldest:
            self.oldest = start

    def leave(self, pane: Pane, first: dict[int, int]) -> None:
        """Give a pane up."""
        self.documents -= pane.documents
        self.negative_documents -= pane.negative_documents
        stories = self.stories
        for story in pane.stories:
            if stories[story] == 1:
                del stories[story]
                self.negative_stories -= first[story] & 1
            else:
                stories[story] -= 1
        _decrease(self.sources, pane.sources)


def _decrease(held: dict[int, int], names: Iterable[int]) -> None:
    for name in names:
        if held[name] == 1:
            del held[name]
        else:
            held[name] -= 1
