"""When is the simple classifier enough? Answered from the cells of a comparison."""

from collections.abc import Sequence

import msgspec
import numpy as np

from training.comparison.cells import BERT, CLEAN, TYPING_10, Result, Split
from training.evaluation.intervals import LEVEL, RESAMPLES, Interval


class Step(msgspec.Struct, frozen=True):
    """One share: BERT against the best simple method there. `difference`: of accuracies, BERT's less the simple one's.

    The best is the best on the test texts, which favours the simple side a little.
    """

    share: float
    labels: int
    bert: float
    simple: float
    method: str
    difference: float
    interval: Interval

    @property
    def winner(self) -> str | None:
        """Who is better by more than chance explains."""
        if self.interval.low > 0:
            return BERT
        return self.method if self.interval.high < 0 else None


class Cost(msgspec.Struct, frozen=True):
    """BERT and the simple method of the same share."""

    share: float
    method: str
    bert: float
    simple: float


class Answer(msgspec.Struct, frozen=True):
    """`better_from`: the share from which on BERT is better at every one; `enough_at`: the smallest share with which
    it is as good as the best simple method with the most labels. None: there is none.

    `training` in seconds at the largest share that BERT was trained with here, `speed` in documents a second and
    `noise`, what 10 % of typing mistakes cost in accuracy, at the largest share; `engine` is BERT's there.
    """

    head: str
    steps: tuple[Step, ...]
    better_from: float | None
    enough_at: float | None
    training: Cost | None
    speed: Cost
    noise: Cost
    engine: str


def answer(head: str, splits: Sequence[Split], results: Sequence[Result], seed: int) -> Answer:
    """`results`: all cells."""
    of_head = [each for each in results if head in each.figures]
    labels = {each.share: each.labels for each in splits if each.head == head}
    pairs = [_pair(head, share, of_head) for share in sorted(labels)]
    steps = tuple(
        _step(head, labels[bert.cell.share], bert, simple, [seed, n])
        for n, (bert, simple) in enumerate(pairs)
    )
    reached = (each.share for each in steps if each.bert >= steps[-1].simple)
    trained = [pair for pair in pairs if pair[0].training_seconds is not None]
    return Answer(
        head=head,
        steps=steps,
        better_from=_better_from(steps),
        enough_at=next(reached, None),
        training=_cost(*trained[-1], [each.training_seconds or 0 for each in trained[-1]])
        if trained
        else None,
        speed=_cost(*pairs[-1], [each.figures[head].documents_per_second for each in pairs[-1]]),
        noise=_cost(*pairs[-1], [_lost_to_noise(head, each) for each in pairs[-1]]),
        engine=pairs[-1][0].engine,
    )


def paired_interval(one: str, other: str, seed: Sequence[int]) -> Interval:
    """Bootstrap interval of the difference of two accuracies on the same texts; "0110...": right or not.

    Texts are drawn together for both, so what is hard for both does not widen it. A resample is decided by how
    often it draws a text that only one of them has right: multinomial.
    """
    mine, theirs = (np.frombuffer(each.encode(), np.uint8) for each in (one, other))  # (n,)
    only_mine, only_theirs = int((mine > theirs).sum()), int((mine < theirs).sum())
    n = len(mine)
    shares = np.array([only_mine, only_theirs, n - only_mine - only_theirs]) / n
    draws = np.random.default_rng(seed).multinomial(n, shares, RESAMPLES)  # (resamples, 3)
    low, high = np.quantile((draws[:, 0] - draws[:, 1]) / n, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(float(low), float(high))


def _pair(head: str, share: float, results: Sequence[Result]) -> tuple[Result, Result]:
    """BERT and the best simple method."""
    there = [each for each in results if each.cell.share == share]
    (bert,) = (each for each in there if each.cell.method == BERT)
    simple = [each for each in there if each.cell.method != BERT]
    return bert, max(simple, key=lambda each: each.figures[head].accuracy)


def _step(head: str, labels: int, bert: Result, simple: Result, seed: Sequence[int]) -> Step:
    mine, theirs = bert.figures[head].accuracy, simple.figures[head].accuracy
    interval = paired_interval(bert.right[head], simple.right[head], seed)
    return Step(simple.cell.share, labels, mine, theirs, simple.cell.method, mine - theirs, interval)


def _better_from(steps: Sequence[Step]) -> float | None:
    found = None
    for step in reversed(steps):
        if step.winner != BERT:
            break
        found = step.share
    return found


def _cost(bert: Result, simple: Result, values: Sequence[float]) -> Cost:
    return Cost(bert.cell.share, simple.cell.method, *values)


def _lost_to_noise(head: str, result: Result) -> float:
    variants = result.figures[head].variants
    return variants[CLEAN] - variants[TYPING_10]
