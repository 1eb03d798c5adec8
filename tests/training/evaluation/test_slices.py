"""Groups of rows by length, ticker and column, and the metrics of each group."""

import numpy as np
import pytest

from training.evaluation.slices import (
    MAX_VALUES,
    SMALL,
    Group,
    by_column,
    by_length,
    by_ticker,
    groups,
    slices,
)


def as_lists(result: list[Group]) -> dict[str, list[int]]:
    return {group.value: group.rows.tolist() for group in result}


def test_by_length() -> None:
    texts = ["one", "w " * 8, "w " * 9, "w " * 16, "w " * 17, "w " * 33, ""]
    assert as_lists(by_length(texts)) == {
        "up to 8": [0, 1, 6],
        "9 to 16": [2, 3],
        "17 to 32": [4],
        "more than 32": [5],
    }


@pytest.mark.parametrize("text", ["$ABC falls", "sell $brk.b now", "($TLS)", "up: $A, $B"])
def test_ticker(text: str) -> None:
    assert as_lists(by_ticker([text])) == {"with": [0]}


@pytest.mark.parametrize("text", ["ABC falls", "$5 a share", "US$ABC", "$4bn deal", "$verylongword", "5$"])
def test_no_ticker(text: str) -> None:
    assert as_lists(by_ticker([text])) == {"without": [0]}


def test_by_column_the_most_frequent_first() -> None:
    result = by_column("source", ["wire", "", "desk", "desk", "(empty)"])
    assert [(g.value, g.rows.tolist()) for g in result] == [
        ("desk", [2, 3]),
        ("(empty)", [1]),
        ("(empty)", [4]),
        ("wire", [0]),
    ]


def test_many_values_are_taken_together_and_no_row_is_lost() -> None:
    values = [str(i) for i in range(MAX_VALUES + 5)] + ["0"]
    result = by_column("id", values)
    assert len(result) == MAX_VALUES + 1
    assert result[-1].value == "(5 other values)"
    assert sorted(row for group in result for row in group.rows.tolist()) == list(range(len(values)))


def test_figures_of_a_slice() -> None:
    """Of "news" three of four are right, at a claimed 0.9: off by 0.15. Of "comments" all."""
    truth = np.array([0, 0, 1, 1, 0, 1])
    predicted = np.array([0, 0, 1, 0, 0, 1])
    probabilities = np.where(np.eye(2)[predicted] > 0, 0.9, 0.1)
    stream = ["news"] * 4 + ["comments"] * 2
    result = slices(["no", "yes"], truth, probabilities, by_column("stream", stream))
    news, comments = result
    assert (news.by, news.value, news.n, news.accuracy) == ("stream", "news", 4, 0.75)
    assert news.ece == pytest.approx(0.15)
    assert news.macro_f1 == pytest.approx((0.8 + 2 / 3) / 2)
    assert news.accuracy_interval == pytest.approx((0.3006, 0.9544), abs=1e-4)
    assert (comments.accuracy, comments.accuracy_interval.high) == (1.0, 1.0)
    assert comments.accuracy_interval.low < 0.4


def test_few_rows_are_marked() -> None:
    n = 2 * SMALL - 1
    values = ["many"] * SMALL + ["few"] * (SMALL - 1)
    result = slices(["a", "b"], np.zeros(n, int), np.tile([0.6, 0.4], (n, 1)), by_column("x", values))
    assert [(one.value, one.too_small) for one in result] == [("many", False), ("few", True)]


def test_all_groups() -> None:
    result = groups(["$ABC up", "down"], {"source": ["wire", "wire"], "length in words": ["1", "2"]})
    assert [(g.by, g.value) for g in result] == [
        ("length in words", "up to 8"),
        ("a ticker such as $ABC", "with"),
        ("a ticker such as $ABC", "without"),
        ("source", "wire"),
        ("length in words", "1"),
        ("length in words", "2"),
    ]
