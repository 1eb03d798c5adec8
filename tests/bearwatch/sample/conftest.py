import pytest
from sample_documents import ANCHOR, WORLD, between

from bearwatch.sample import HISTORY_SECONDS, SampleDocument


@pytest.fixture(scope="session")
def history() -> list[SampleDocument]:
    """Four days of documents before the anchor, a surge included."""
    return between(WORLD, ANCHOR - HISTORY_SECONDS, ANCHOR)
