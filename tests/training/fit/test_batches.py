"""Batches: every row once, within the budget, little padding, the same for the same seed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from training.fit.batches import Encoded, pad, plan_epoch


@given(lengths=st.lists(st.integers(2, 96), min_size=1, max_size=300), seed=st.integers(0, 9))
def test_every_row_once_within_the_budget(lengths: list[int], seed: int) -> None:
    batches = plan_epoch(lengths, 96, seed, 0)
    assert sorted(np.concatenate(batches).tolist()) == list(range(len(lengths)))
    for rows in batches:
        assert len(rows) * max(lengths[i] for i in rows) <= 96


def test_seed_and_epoch_decide_the_order() -> None:
    lengths = [3 + i % 20 for i in range(200)]
    plans = [
        [rows.tolist() for rows in plan_epoch(lengths, 96, seed, e)]
        for seed, e in ((1, 0), (1, 0), (1, 1), (2, 0))
    ]
    assert plans[0] == plans[1]
    assert plans[0] != plans[2]
    assert plans[0] != plans[3]


def test_padding() -> None:
    batch = pad([Encoded((5, 6, 7), 0, 2), Encoded((5, 7), 1, 0)], pad_id=9)
    assert batch.input_ids.tolist() == [[5, 6, 7], [5, 7, 9]]
    assert batch.attention_mask.tolist() == [[1, 1, 1], [1, 1, 0]]
