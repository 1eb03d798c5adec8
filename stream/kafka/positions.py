"""Which record of a partition is the next one: pure, for classify and aggregate alike.

A consumer that reads committed records meets offsets that it never sees: control records (the ends of transactions),
records of aborted transactions, records that retention took. The worker's consumer therefore notes for every record
from which offset on it has looked: in [fetched_from, offset) stands nothing that may be seen.
"""

from typing import Any, Protocol


class Event(Protocol):
    """What classify and aggregate need of a Faust event: its message, with `fetched_from` as an attribute."""

    message: Any


def is_contiguous(position: int, fetched_from: int, offset: int) -> bool:
    """Whether the record at `offset` is the next one to be read at `position`.

    Where it is not, it was either read before (`offset < position`) or fetched out of order: it was left in a queue by
    a rebalance that dropped those before it (`fetched_from > position`), and will come again behind them.
    """
    return fetched_from <= position <= offset
