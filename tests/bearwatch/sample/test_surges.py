"""Surges of the sample feed: one in the history, one at the anchor, then one every few hours."""

from itertools import pairwise

import pytest
from sample_documents import ANCHOR, HOUR, WORLD, between, is_copy

from bearwatch.sample import SampleDocument, SampleWorld, documents


def surge_of(found: list[SampleDocument], index: int) -> list[SampleDocument]:
    return [d for d in found if f"-surge{index}." in d.id]


def test_the_first_surge_begins_and_ends_in_the_history(history: list[SampleDocument]) -> None:
    first = surge_of(history, 0)
    negative = [
        d for d in first if d.stream == "news" and not is_copy(d) and d.intended_sentiment == "negative"
    ]
    assert {d.intended_topic for d in first} == {"Treasuries | Corporate Debt"}
    assert len({d.text for d in negative}) > 80
    assert all(ANCHOR - 40 * HOUR <= d.published_at < ANCHOR - 38.5 * HOUR for d in negative)


@pytest.mark.parametrize("seed", range(5))
def test_the_second_surge_begins_before_the_anchor_and_ends_half_an_hour_later(seed: int) -> None:
    world = SampleWorld(seed, ANCHOR)
    found = surge_of(between(world, ANCHOR - HOUR, ANCHOR + HOUR), 1)
    news = [d for d in found if d.stream == "news" and not is_copy(d) and d.intended_sentiment == "negative"]
    assert {d.intended_topic for d in found} == {"Energy | Oil"}
    assert all(ANCHOR - 360 <= d.published_at < ANCHOR + 25 * 60 for d in news)
    assert sum(d.published_at < ANCHOR for d in news) >= 5
    first_ten_minutes = [d for d in news if d.published_at < ANCHOR + 240]
    assert 40 <= len({d.text for d in first_ten_minutes}) <= 100
    assert len({d.source for d in first_ten_minutes}) >= 5
    assert 0 < sum(d.stream == "comments" for d in found) < len(news)


def test_few_comments_about_a_surge_are_negative() -> None:
    """So that a surge fires for the news alone, and comments show the usual sentiment next to it."""
    found = surge_of(between(WORLD, ANCHOR - HOUR, ANCHOR + HOUR), 1)
    comments = [d for d in found if d.stream == "comments" and not d.text.startswith("RT @")]
    negative = sum(d.intended_sentiment == "negative" for d in comments)
    assert len(comments) >= 40
    assert 0.05 < negative / len(comments) < 0.35


def test_a_surge_comes_every_few_hours_with_changing_topics() -> None:
    live = [
        d for d in documents(WORLD, ANCHOR + HOUR, ANCHOR + 24 * HOUR) if "surge" in d.id and not is_copy(d)
    ]
    starts: dict[str, SampleDocument] = {}
    for document in live:
        starts.setdefault(document.id.split(".")[0][2:], document)
    times = [d.published_at for d in starts.values()]
    assert 6 <= len(starts) <= 9
    assert all(2 * HOUR < later - earlier < 4 * HOUR for earlier, later in pairwise(times))
    assert len({d.intended_topic for d in starts.values()}) >= 4
