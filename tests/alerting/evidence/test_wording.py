"""An alert in words."""

import pytest
from alert_messages import alert

from alerting.evidence.wording import EXACT_SOURCES, counts_in_words
from stream.aggregate.records import SOURCES_PER_PANE


@pytest.mark.parametrize(
    ("sources", "words"),
    [(7, "from 7 sources in"), (1000, "from 1000 sources"), (1001, "from at least 1001 sources")],
)
def test_a_number_of_sources_that_is_not_exact_is_called_so(sources: int, words: str) -> None:
    assert words in counts_in_words(alert(sources=sources))


def test_both_know_the_same_limit() -> None:
    assert EXACT_SOURCES == SOURCES_PER_PANE
