"""The answer of a comparison follows from the results of its cells, and is put into sentences."""

import msgspec
import numpy as np
import pytest
from comparison_results import result

from training.comparison.answer import Answer, Cost, answer, paired_interval
from training.comparison.cells import BAYES, BERT, SVM, Split
from training.comparison.sentences import sentences


def answer_to(bert: dict[float, int], simple: dict[float, int]) -> Answer:
    """percent -> how many of 100 texts are right, of BERT and of the linear SVM; naive Bayes has 10 less."""
    results = [
        result(method, percent, "1" * n + "0" * (100 - n))
        for method, right in (
            (BERT, bert),
            (SVM, simple),
            (BAYES, {percent: n - 10 for percent, n in simple.items()}),
        )
        for percent, n in right.items()
    ]
    splits = [Split("sentiment", percent, int(percent), 0, ()) for percent in bert]
    return answer("sentiment", splits, results, 1)


def test_bert_is_better_from_some_percentage_on() -> None:
    result = answer_to({1.0: 50, 5.0: 70, 20.0: 80, 100.0: 90}, {1.0: 70, 5.0: 70, 20.0: 70, 100.0: 80})
    assert [step.winner for step in result.steps] == [SVM, None, BERT, BERT]
    assert (result.better_from, result.enough_at) == (20.0, 20.0)
    assert result.speed == Cost(100.0, SVM, 50.0, 500.0)
    assert result.noise == Cost(100.0, SVM, 0.45, 0.4)
    lines = sentences(result)
    assert lines[0].startswith(
        "The simple classifier is enough up to 5 % (5 labels). From 20 % (20 labels) on BERT is"
    )
    assert lines[1].startswith(
        "With 1 % (1 labels) it is even better: linear SVM 0.700, BERT 0.500 (-20.0 points"
    )
    assert lines[2].startswith("BERT with 20 % (20 labels) is at least as accurate (0.800)")
    assert any("10 times as many" in line for line in lines)


@pytest.mark.parametrize(
    ("bert", "simple", "decision"),
    [
        ({5.0: 70, 100.0: 80}, {5.0: 70, 100.0: 80}, "enough with 5 % (5 labels) to 100 % (100 labels)"),
        ({5.0: 90, 100.0: 95}, {5.0: 70, 100.0: 80}, "not enough with 5 % (5 labels) to 100 % (100 labels)"),
        ({5.0: 90, 100.0: 80}, {5.0: 70, 100.0: 80}, "no clear line"),
        (
            {100.0: 90},
            {100.0: 80},
            "not enough with 100 % (100 labels): BERT is better, with 100 % (100 labels) 0.900",
        ),
    ],
)
def test_conclusions(bert: dict[float, int], simple: dict[float, int], decision: str) -> None:
    assert decision in sentences(answer_to(bert, simple))[0]


def test_paired_interval_is_that_of_drawn_texts() -> None:
    random = np.random.default_rng(1)
    one, other = random.random((2, 400)) < [[0.8], [0.7]]
    drawn = random.integers(0, 400, (4000, 400))
    plain = np.quantile(one[drawn].mean(1) - other[drawn].mean(1), (0.025, 0.975))
    bits = ["".join("01"[int(hit)] for hit in each) for each in (one, other)]
    np.testing.assert_allclose(paired_interval(*bits, [1]), plain, atol=0.005)


def test_speed_is_that_of_an_engine() -> None:
    result = answer_to({100.0: 90}, {100.0: 80})
    for engine, place in (("onnxruntime-cpu", "all cores"), ("onnxruntime-cuda", "a GPU")):
        lines = sentences(msgspec.structs.replace(result, engine=engine))
        assert any(f"on one core, BERT 50 with {engine} on {place} (for all" in line for line in lines)
