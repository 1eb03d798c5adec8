"""A history whose lines carry forged times: which of them are rejected. Times are seconds after START."""

import io
import random
from collections.abc import Callable
from datetime import timedelta

import pytest
from document_producer_fake import FakeProducer
from ingested import START, line

from stream.ingest.lines import ingest, numbered_lines
from stream.ingest.look_ahead import AHEAD_LINES
from stream.ingest.timestamps import HistoryTimestamps

HOUR, DAY, YEAR = 3600, 86_400, 365 * 86_400
HONEST = [60 * number for number in range(300)]  # a document each minute
HOURLY = [HOUR * number for number in range(300)]  # each further from the next than the slack


def rejected(times: list[int]) -> list[int]:
    """The indices of the lines that a history of these times loses."""
    lines = [line(number, published_at=_iso(time), stream="news") for number, time in enumerate(times)]
    producer, found = FakeProducer(), list[int]()
    now = START + timedelta(days=10 * 365)
    ingest(
        numbered_lines(io.BytesIO(b"\n".join(lines))),
        None,
        HistoryTimestamps(lambda _: None, now),
        producer,
        lambda number, _: found.append(number - 1),
    )
    sent = [int(key[1:]) for key in producer.keys]
    assert sorted(sent + found) == list(range(len(times))), "each line is sent or rejected"
    return found


def _iso(seconds: int) -> str:
    return (START + timedelta(seconds=seconds)).isoformat()


@pytest.mark.parametrize("honest", [HONEST, HOURLY], ids=["each minute", "each hour"])
@pytest.mark.parametrize("at", [0, 1, 5, 150, 298, 299])
@pytest.mark.parametrize("forged", [HOUR + 17_940, 30 * DAY, YEAR], ids=["later", "a month", "a year"])
def test_a_line_from_the_future_of_the_others_is_rejected_alone(
    honest: list[int], at: int, forged: int
) -> None:
    """It made a worker of 301 lines lose 295."""
    assert rejected([*honest[:at], honest[-1] + forged, *honest[at:]]) == [at]


@pytest.mark.parametrize("honest", [HONEST, HOURLY], ids=["each minute", "each hour"])
@pytest.mark.parametrize("at", [1, 5, 150, 299])
@pytest.mark.parametrize("forged", [-HOUR, -YEAR])
def test_a_line_from_the_past_of_the_others_is_rejected_alone(
    honest: list[int], at: int, forged: int
) -> None:
    assert rejected([*honest[:at], forged, *honest[at:]]) == [at]


@pytest.mark.parametrize(
    "forged",
    [[YEAR] * 100, [YEAR + number * DAY for number in range(100)], [YEAR, -YEAR, YEAR, 5 * YEAR] * 20],
    ids=["the same", "rising", "there and back"],
)
def test_several_in_a_row(forged: list[int]) -> None:
    begin = 150
    assert rejected([*HONEST[:begin], *forged, *HONEST[begin:]]) == [
        begin + index for index in range(len(forged))
    ]


def test_many_among_many() -> None:
    """Every third line has any time."""
    rng = random.Random(1)
    times, forged = list[int](), list[int]()
    for time in HONEST:
        if rng.random() < 1 / 3:
            forged.append(len(times))
            times.append(rng.choice((YEAR, 2 * YEAR, -YEAR, 40 * DAY)))
        times.append(time)
    assert rejected(times) == forged


@pytest.mark.parametrize(
    "times",
    [
        [*HONEST, *(YEAR + time for time in HONEST)],  # a gap of a year
        [0, YEAR, 2 * YEAR, 3 * YEAR],
        [-40 * YEAR, *HONEST],  # nothing says that it is not so old
        [*HONEST, YEAR],  # nothing follows it
        HOURLY,
        [time + (599 if time % 120 else 0) for time in HONEST],  # out of order by less than the slack
    ],
)
def test_what_may_be_true_is_sent(times: list[int]) -> None:
    assert rejected(times) == []


@pytest.mark.parametrize(
    ("unsorted", "lost"),
    [
        (list(reversed(HOURLY)), 299),
        ([*HOURLY, *HOURLY], 300),  # two files, one behind the other
        ([5 * YEAR + time for time in HOURLY] + HOURLY, 300),
    ],
)
def test_a_history_that_is_not_sorted_is_still_rejected(unsorted: list[int], lost: int) -> None:
    assert len(rejected(unsorted)) in range(lost - 2, lost + 1)


def test_lines_are_read_ahead_only_where_one_jumps_and_only_so_many() -> None:
    read, sent_at = 0, list[int]()
    times = [*HONEST, YEAR, *(HONEST[-1] + number for number in range(3 * AHEAD_LINES))]

    def lines(assigned: Callable[[], int]) -> object:
        nonlocal read
        for number, time in enumerate(times):
            read += 1
            sent_at.append(assigned())
            yield number, line(number, published_at=_iso(time), stream="news")

    producer, bad = FakeProducer(), list[int]()
    history = HistoryTimestamps(lambda _: None, START + timedelta(days=3650))
    ingest(lines(lambda: producer.sent + len(bad)), None, history, producer, lambda n, _: bad.append(n))  # type: ignore[arg-type]
    assert bad == [300]
    ahead = [number - handled for number, handled in enumerate(sent_at)]
    assert max(ahead) == AHEAD_LINES
