"""Documents with those that follow them: one whose time is forged is told from the honest lines behind it. Pure."""

from bisect import bisect_left, insort
from collections import deque
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple, Self

from stream.messages import BadDocument

ORDER_SLACK = timedelta(minutes=10)  # the allowed lateness: documents that are less out of order still count
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
AHEAD_LINES = 1000
AHEAD_BYTES = 2**24  # of the lines held; at least one is held, whatever its length


class Entry(NamedTuple):
    """One line that can be sent; `document` holds its bytes."""

    stream: str
    id: str
    published_at: datetime
    document: bytes


Line = tuple[int, Entry | BadDocument]  # the number of a line, and what it holds or why it cannot be sent


class LookAhead(Iterator[Line]):
    """The lines, in order. The next ones are read only when they are asked about."""

    def __init__(self, lines: Iterator[Line]) -> None:
        self._lines = lines
        self._held: deque[Line] = deque()
        self._times: list[datetime] = []  # of the entries that are held, in order
        self._bytes = 0

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> Line:
        if not self._held:
            return next(self._lines)
        line = self._held.popleft()
        if isinstance(line[1], Entry):
            del self._times[bisect_left(self._times, line[1].published_at)]
            self._bytes -= len(line[1].document)
        return line

    def continues_below(self, begin: datetime, time: datetime) -> bool:
        """Whether of the next lines that are not before `begin`, more are before `time` than at it or after it."""
        self._read()
        low, high = bisect_left(self._times, begin), bisect_left(self._times, time)
        return high - low > len(self._times) - high

    def _read(self) -> None:
        while len(self._held) < AHEAD_LINES and self._bytes < AHEAD_BYTES:
            line = next(self._lines, None)
            if line is None:
                return
            self._held.append(line)
            if isinstance(line[1], Entry):
                insort(self._times, line[1].published_at)
                self._bytes += len(line[1].document)
