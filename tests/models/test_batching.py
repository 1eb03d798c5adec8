"""Batches: every text in one of them, padded to its own length, within the budget."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from models.batching import LENGTH_STEP, Batch, batches, padded

lengths = st.lists(st.integers(1, 128), max_size=300)
budgets = st.integers(16, 4096)


def test_an_example() -> None:
    #                  0   1  2   3  4  5
    assert batches([30, 3, 32, 4, 29, 7], budget_tokens=64) == [
        Batch((0, 2), 32),
        Batch((4,), 32),
        Batch((5,), 8),
        Batch((1, 3), 4),
    ]


def test_no_text_gives_no_batch() -> None:
    assert batches([], 512) == []


@given(lengths, budgets)
def test_every_text_is_in_exactly_one_batch(lengths: list[int], budget: int) -> None:
    indices = [index for batch in batches(lengths, budget) for index in batch.indices]
    assert sorted(indices) == list(range(len(lengths)))


@given(lengths, budgets)
def test_the_padded_length_is_the_texts_own(lengths: list[int], budget: int) -> None:
    for batch in batches(lengths, budget):
        for index in batch.indices:
            assert batch.tokens == padded(lengths[index])
            assert 0 <= batch.tokens - lengths[index] < LENGTH_STEP


@given(lengths, budgets)
def test_a_batch_keeps_to_the_budget_unless_it_is_a_pair(lengths: list[int], budget: int) -> None:
    for batch in batches(lengths, budget):
        assert len(batch.indices) <= 2 or len(batch.indices) * batch.tokens <= budget


@pytest.mark.parametrize(("tokens", "expected"), [(1, 4), (4, 4), (5, 8), (128, 128)])
def test_padded(tokens: int, expected: int) -> None:
    assert padded(tokens) == expected
