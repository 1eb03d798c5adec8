"""Typing mistakes: as many as asked for, the same for the same seed, none in white space."""

from hypothesis import given
from hypothesis import strategies as st

from training.comparison.noise import NEIGHBOURS, mistyped

TEXT = "Norwick soars on record profit, Tallis faces a fraud probe"


def test_same_seed_same_mistakes() -> None:
    assert mistyped(TEXT, 0.1, 1) == mistyped(TEXT, 0.1, 1) != mistyped(TEXT, 0.1, 2)
    assert mistyped(TEXT, 0.1, 1) == "Nrowick soars on record profit, Yaklis faces a frwud probe"


def test_more_noise_more_mistakes() -> None:
    assert mistyped(TEXT, 0.0, 1) == TEXT
    changed = [
        sum(a != b for a, b in zip(TEXT.split(), mistyped(TEXT, ratio, 1).split(), strict=True))
        for ratio in (0.05, 0.1, 0.3)
    ]
    assert 0 < changed[0] < changed[1] < changed[2]


def test_keys_that_touch() -> None:
    assert set(NEIGHBOURS["g"]) == set("fhtyvb")
    assert set(NEIGHBOURS["q"]) == set("12wa")
    assert all(key in NEIGHBOURS[other] for key, others in NEIGHBOURS.items() for other in others)


@given(st.text(), st.floats(0, 1), st.integers(0, 9))
def test_any_text(text: str, ratio: float, seed: int) -> None:
    typed = mistyped(text, ratio, seed)
    places = sum(not character.isspace() for character in text)
    assert abs(len(typed) - len(text)) <= round(ratio * places)
    assert sum(map(str.isspace, typed)) == sum(map(str.isspace, text))
