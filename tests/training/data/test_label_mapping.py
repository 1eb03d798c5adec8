"""Label mappings: how they are written on the command line, and how a file's own entries override a head's."""

import pytest

from training.data.label_mapping import override_mapping, parse_label_mapping
from training.errors import TrainingConfigError


def test_numbers_in_order_or_raw_labels() -> None:
    assert parse_label_mapping("negative, positive") == {"0": "negative", "1": "positive"}
    assert parse_label_mapping('"Down, down=negative", up = positive') == {
        "Down, down": "negative",
        "up": "positive",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("down=negative,positive", "write '0=positive' for a number"),
        ("a=x,a=y", "'a' is mapped twice"),
        ("negative\npositive", "--label-mapping cannot be read"),
        ("x" * 200_000, "--label-mapping cannot be read: field larger"),
    ],
)
def test_a_mixture_or_a_repetition_is_an_error(text: str, message: str) -> None:
    with pytest.raises(TrainingConfigError, match=message):
        parse_label_mapping(text)


def test_a_file_with_numbers_does_not_use_the_numbers_of_the_head() -> None:
    head = {"0": "negative", "1": "positive", "bearish": "negative"}
    assert override_mapping(head, {"Up": "positive"}) == head | {"up": "positive"}
    assert override_mapping(head, {"1": "negative"}) == {"1": "negative", "bearish": "negative"}
