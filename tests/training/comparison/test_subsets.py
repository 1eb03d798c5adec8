"""Percentages of the labels: how they are written, and that a larger one includes a smaller one."""

from dataclasses import replace

import pytest

from training.comparison.cells import Task
from training.comparison.subsets import lost, parse_label_percents, subset
from training.config import TrainingConfig
from training.errors import TrainingConfigError


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,many", "not a list"),
        ("", "not a list"),
        ("0,5", "0 is not a percentage"),
        ("5,101", "101 is not a percentage"),
        ("5,nan", "nan is not a percentage"),
        ("5,20,5", "5 is given twice"),
    ],
)
def test_wrong_percentages(text: str, message: str) -> None:
    with pytest.raises(TrainingConfigError, match=message):
        parse_label_percents(text)


def test_a_larger_percentage_includes_a_smaller_one(task: Task, config: TrainingConfig) -> None:
    assert parse_label_percents("100, 20,2.5") == (2.5, 20.0, 100.0)
    small, large = (subset(task.corpus, config, percent) for percent in (50.0, 80.0))
    assert set(small.train) < set(large.train) < set(task.corpus.train)
    assert set(small.dev) <= set(large.dev) <= set(task.corpus.dev)
    assert subset(task.corpus, config, 100.0) == task.corpus


def test_too_little_is_left(task: Task, config: TrainingConfig) -> None:
    with pytest.raises(TrainingConfigError, match=r"0\.1 % of the labels leaves heads\.sentiment 0 labels"):
        subset(task.corpus, config, 0.1)
    with pytest.raises(TrainingConfigError, match="no text to choose the epoch with"):
        subset(replace(task.corpus, dev=()), config, 100.0)
    rest = [each for each in task.corpus.train if each.label != "neutral"]
    assert lost(rest, config, "sentiment") == ("neutral",)
