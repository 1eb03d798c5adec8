"""The answer of a comparison as sentences."""

from collections.abc import Sequence

from models.engines import CUDA
from training.comparison.answer import Answer, Cost, Step
from training.comparison.cells import BERT


def sentences(answer: Answer) -> list[str]:
    """Sentences about one head: which method is better with how many labels, what BERT costs, the effect of noise."""
    return [
        _conclusion(answer),
        *_simple_wins(answer.steps),
        *_fewer_labels(answer),
        *([_training(answer.training)] if answer.training else []),
        _speed(answer.speed, answer.engine),
        _noise(answer.noise),
    ]


def _conclusion(answer: Answer) -> str:
    steps = answer.steps
    won = [step for step in steps if step.winner == BERT]
    if not won:
        return f"The simple classifier is enough {_where(steps)}: BERT is nowhere better by more than chance explains."
    if answer.better_from is None:
        return (
            f"There is no clear line: BERT is better by more than chance explains with {_listed(won)}, but not with "
            f"{_labels(steps[-1])}."
        )
    first = next(step for step in steps if step.label_percent == answer.better_from)
    if first is steps[0]:
        return f"The simple classifier is not enough {_where(steps)}: BERT is better, {_gains(won)}."
    before = steps[steps.index(first) - 1]
    return (
        f"The simple classifier is enough up to {_labels(before)}. From {_labels(first)} on BERT is better by more "
        f"than chance explains: {_gains(steps[steps.index(first) :])}."
    )


def _simple_wins(steps: Sequence[Step]) -> list[str]:
    return [
        f"With {_labels(step)} it is even better: {step.method} {step.simple:.3f}, BERT {step.bert:.3f} "
        f"({_points(step)})."
        for step in steps
        if step.winner == step.method
    ]


def _fewer_labels(answer: Answer) -> list[str]:
    last = answer.steps[-1]
    if len(answer.steps) == 1 or answer.enough_at == last.label_percent:
        return []
    if answer.enough_at is None:
        return [f"BERT nowhere reaches the {last.simple:.3f} of {last.method} with {_labels(last)}."]
    first = next(step for step in answer.steps if step.label_percent == answer.enough_at)
    return [
        f"BERT with {_labels(first)} is at least as accurate ({first.bert:.3f}) as the best simple classifier with "
        f"{_labels(last)} ({last.simple:.3f})."
    ]


def _training(cost: Cost) -> str:
    return (
        f"With {cost.label_percent:g} % of the labels {cost.method} trains in {cost.simple:,.1f} s, BERT in "
        f"{cost.bert:,.0f} s (for all heads at once)."
    )


def _speed(cost: Cost, engine: str) -> str:
    place = "a GPU" if engine == CUDA else "all cores"
    return (
        f"{_capital(cost.method)} classifies {cost.simple:,.0f} documents a second on one core, BERT {cost.bert:,.0f} "
        f"with {engine} on {place} (for all heads at once): {_times(cost.simple / cost.bert)}."
    )


def _times(ratio: float) -> str:
    return f"{ratio:.1f} times as many" if ratio < 10 else f"{ratio:.0f} times as many"


def _noise(cost: Cost) -> str:
    return (
        f"When 10 % of the characters are mistyped, {cost.method} loses {100 * cost.simple:.1f} points of accuracy, "
        f"BERT {100 * cost.bert:.1f} ({cost.label_percent:g} % of the labels)."
    )


def _gains(steps: Sequence[Step]) -> str:
    """BERT's advantage at the first and the last of the steps."""
    ends = steps[:1] if len(steps) == 1 else (steps[0], steps[-1])
    return " and ".join(
        f"with {_labels(step)} {step.bert:.3f} against {step.simple:.3f} of {step.method} ({_points(step)})"
        for step in ends
    )


def _points(step: Step) -> str:
    low, high = (100 * edge for edge in step.interval)
    return f"{100 * step.difference:+.1f} points, 95 %: {low:+.1f} to {high:+.1f}"


def _where(steps: Sequence[Step]) -> str:
    return (
        f"with {_labels(steps[0])}"
        if len(steps) == 1
        else f"with {_labels(steps[0])} to {_labels(steps[-1])}"
    )


def _listed(steps: Sequence[Step]) -> str:
    return ", ".join(_labels(step) for step in steps)


def _labels(step: Step) -> str:
    return f"{step.label_percent:g} % ({step.labels:,} labels)"


def _capital(words: str) -> str:
    return words[0].upper() + words[1:]
