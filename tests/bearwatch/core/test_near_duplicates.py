"""Near duplicates: all pairs are found, and pairs that share a text are one group."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from bearwatch.core.near_duplicates import groups, near_duplicates

LONG = "shares of norwick fall after the regulator opens a probe into its loans"
OTHER = "tallis wins a large contract to build nine ferries for the northern islands"


@given(st.lists(st.lists(st.sampled_from("abcdefghij"), min_size=1, max_size=9).map(" ".join), unique=True))
def test_as_if_all_pairs_were_compared(texts: list[str]) -> None:
    sets = [set(text.split()) for text in texts]
    expected = [
        [i, j]
        for i in range(len(texts))
        for j in range(i + 1, len(texts))
        if 5 * len(sets[i] & sets[j]) >= 4 * len(sets[i] | sets[j])
    ]
    assert near_duplicates(texts).tolist() == expected


def test_what_is_near() -> None:
    for near in (f"nwk {LONG}", LONG.replace("probe", "inquiry"), LONG.removesuffix(" its loans")):
        assert near_duplicates([LONG, OTHER, near]).tolist() == [[0, 2]]
    assert not len(near_duplicates([LONG, LONG.replace("norwick", "tallis").replace("probe", "case")[10:]]))


def test_groups_follow_links() -> None:
    assert groups(5, np.array([[0, 3], [3, 4]])).tolist() == [0, 1, 2, 0, 0]
    assert groups(2, near_duplicates(["one", "two"])).tolist() == [0, 1]
