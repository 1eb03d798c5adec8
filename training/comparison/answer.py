"""From the results of a comparison: when is a simple classifier enough, and what does BERT cost?"""

from collections.abc import Sequence

import msgspec
import numpy as np

from training.comparison.cells import BERT, CLEAN, TYPING_10, Result, Split
from training.evaluation.intervals import LEVEL, RESAMPLES, Interval


class Step(msgspec.Struct, frozen=True):
    """BERT and the best simple method with one percentage of the labels.

    `labels`: their number. `bert` and `simple`: accuracies. `difference`: BERT's accuracy minus the simple one's, with
    its interval. The simple method is the best one on the test texts, which favours the simple side a little.
    """

    label_percent: float
    labels: int
    bert: float
    simple: float
    method: str
    difference: float
    interval: Interval

    @property
    def winner(self) -> str | None:
        """The method that is better by more than chance explains; None where neither is."""
        if self.interval.low > 0:
            return BERT
        return self.method if self.interval.high < 0 else None


class Cost(msgspec.Struct, frozen=True):
    """What BERT and the simple method cost, trained with the same percentage of the labels."""

    label_percent: float
    method: str
    bert: float
    simple: float


class Answer(msgspec.Struct, frozen=True):
    """The answer for one head. Percentages are of the labels.

    `better_from`: the percentage from which BERT is better at every step. `enough_at`: the smallest percentage with
    which BERT is as accurate as the best simple method with the most labels. None: there is none.
    `training`: seconds, at the largest percentage that BERT was trained with here. At the largest percentage, `speed`:
    documents per second; `noise`: loss of accuracy by 10 % of typing mistakes; `engine`: the one that BERT ran on.
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
    """The answer for one head, from the results of all cells and the sizes of its splits."""
    of_head = [each for each in results if head in each.metrics]
    labels = {each.label_percent: each.labels for each in splits if each.head == head}
    pairs = [_pair(head, percent, of_head) for percent in sorted(labels)]
    steps = tuple(
        _step(head, labels[bert.cell.label_percent], bert, simple, [seed, n])
        for n, (bert, simple) in enumerate(pairs)
    )
    reached = (each.label_percent for each in steps if each.bert >= steps[-1].simple)
    trained = [pair for pair in pairs if pair[0].training_seconds is not None]
    return Answer(
        head=head,
        steps=steps,
        better_from=_better_from(steps),
        enough_at=next(reached, None),
        training=_cost(*trained[-1], [each.training_seconds or 0 for each in trained[-1]])
        if trained
        else None,
        speed=_cost(*pairs[-1], [each.metrics[head].documents_per_second for each in pairs[-1]]),
        noise=_cost(*pairs[-1], [_lost_to_noise(head, each) for each in pairs[-1]]),
        engine=pairs[-1][0].engine,
    )


def paired_interval(one: str, other: str, seed: Sequence[int]) -> Interval:
    """Bootstrap interval of the difference of two accuracies on the same texts; each as "0110...", 1 for right.

    Texts are drawn for both methods together, so texts that are hard for both do not widen the interval. A resample is
    determined by how often it draws a text that only one method has right, which is multinomial.
    """
    mine, theirs = (np.frombuffer(each.encode(), np.uint8) for each in (one, other))  # (n,)
    only_mine, only_theirs = int((mine > theirs).sum()), int((mine < theirs).sum())
    n = len(mine)
    ratios = np.array([only_mine, only_theirs, n - only_mine - only_theirs]) / n
    draws = np.random.default_rng(seed).multinomial(n, ratios, RESAMPLES)  # (resamples, 3)
    low, high = np.quantile((draws[:, 0] - draws[:, 1]) / n, ((1 - LEVEL) / 2, (1 + LEVEL) / 2))
    return Interval(float(low), float(high))


def _pair(head: str, label_percent: float, results: Sequence[Result]) -> tuple[Result, Result]:
    """The results of BERT and of the best simple method with one percentage of the labels."""
    cells = [each for each in results if each.cell.label_percent == label_percent]
    (bert,) = (each for each in cells if each.cell.method == BERT)
    simple = [each for each in cells if each.cell.method != BERT]
    return bert, max(simple, key=lambda each: each.metrics[head].accuracy)


def _step(head: str, labels: int, bert: Result, simple: Result, seed: Sequence[int]) -> Step:
    mine, theirs = bert.metrics[head].accuracy, simple.metrics[head].accuracy
    interval = paired_interval(bert.right[head], simple.right[head], seed)
    return Step(simple.cell.label_percent, labels, mine, theirs, simple.cell.method, mine - theirs, interval)


def _better_from(steps: Sequence[Step]) -> float | None:
    start = None
    for step in reversed(steps):
        if step.winner != BERT:
            break
        start = step.label_percent
    return start


def _cost(bert: Result, simple: Result, values: Sequence[float]) -> Cost:
    return Cost(bert.cell.label_percent, simple.cell.method, *values)


def _lost_to_noise(head: str, result: Result) -> float:
    variants = result.metrics[head].variants
    return variants[CLEAN] - variants[TYPING_10]
