"""Templates of the sample feed: what is wrong with one is named."""

import pytest

from bearwatch.sample.phrases import faults


@pytest.mark.parametrize(
    ("template", "fault"),
    [
        ("{company", "unbalanced or nested braces"),
        ("{a|{b}}", "unbalanced or nested braces"),
        ("{compny} falls", "there is no list named 'compny'"),
        ("{Company} falls", "{Company} is neither a name, a choice nor a range"),
    ],
)
def test_a_text_that_cannot_be_filled_is_named(template: str, fault: str) -> None:
    assert fault in list(faults(template, {"company"}))


def test_a_good_text_has_no_faults() -> None:
    assert list(faults("{company} {up|down} {1.0..2.5}% {company2}", {"company"})) == []
