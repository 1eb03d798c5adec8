"""The sample feed: the same documents for the same seed, and four days of them that look like real ones."""

import re
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sample_documents import ANCHOR, HOUR, WORLD, between, is_copy

from bearwatch.core.streams import STREAMS
from bearwatch.sample import HISTORY_SECONDS, SampleDocument, SampleWorld, documents
from bearwatch.sample.library import library


def test_the_same_seed_gives_the_same_documents_and_another_seed_others(
    history: list[SampleDocument],
) -> None:
    again = between(SampleWorld(seed=7, anchor=ANCHOR), ANCHOR - HISTORY_SECONDS, ANCHOR)
    other = between(SampleWorld(seed=8, anchor=ANCHOR), ANCHOR - HISTORY_SECONDS, ANCHOR)
    assert again == history
    assert {d.text for d in other} != {d.text for d in history}


@settings(deadline=None, derandomize=True, max_examples=30, database=None)
@given(st.lists(st.floats(-6 * HOUR, 6 * HOUR), min_size=2, max_size=6))
def test_the_documents_are_the_same_however_an_interval_is_divided(offsets: list[float]) -> None:
    cuts = sorted(ANCHOR + offset for offset in offsets)
    whole = between(WORLD, cuts[0], cuts[-1])
    parts = [d for start, end in pairwise(cuts) for d in between(WORLD, start, end)]
    assert parts == whole


def test_an_interval_includes_its_start_and_excludes_its_end(history: list[SampleDocument]) -> None:
    time = history[100].published_at
    assert between(WORLD, ANCHOR - HISTORY_SECONDS, time) == history[:100]
    assert between(WORLD, time, ANCHOR) == history[100:]


def test_an_empty_interval_has_no_documents() -> None:
    assert between(WORLD, ANCHOR, ANCHOR) == between(WORLD, ANCHOR, ANCHOR - 1) == []


def test_documents_are_in_order_within_the_interval_and_have_unique_ids(
    history: list[SampleDocument],
) -> None:
    times = [d.published_at for d in history]
    assert times == sorted(times)
    assert times[0] >= ANCHOR - HISTORY_SECONDS
    assert times[-1] < ANCHOR
    assert len({d.id for d in history}) == len(history)


@pytest.mark.parametrize("day", range(7))
def test_four_days_hold_about_four_thousand_documents_whatever_the_day(day: int) -> None:
    anchor = ANCHOR + day * 86400
    found = between(SampleWorld(seed=day, anchor=anchor), anchor - HISTORY_SECONDS, anchor)
    assert 3000 < len(found) < 5500
    assert 0.5 < sum(d.stream == "news" for d in found) / len(found) < 0.7


def test_every_topic_has_news_and_comments_and_none_but_the_surge_dominates(
    history: list[SampleDocument],
) -> None:
    topics = {texts.topic for texts in library().topics}
    assert len(topics) == 20
    for stream in STREAMS:
        counts = Counter(d.intended_topic for d in history if d.stream == stream and "surge" not in d.id)
        assert set(counts) == topics
        assert max(counts.values()) < 0.2 * counts.total()
        assert min(counts.values()) >= 15


def test_a_fifth_of_background_news_and_a_third_of_comments_are_negative(
    history: list[SampleDocument],
) -> None:
    background = [d for d in history if "surge" not in d.id]
    ratio = {
        stream: sum(d.intended_sentiment == "negative" for d in background if d.stream == stream)
        / sum(d.stream == stream for d in background)
        for stream in STREAMS
    }
    assert 0.15 < ratio["news"] < 0.25
    assert 0.22 < ratio["comments"] < 0.35


def test_nights_and_weekends_are_quieter() -> None:
    monday = datetime(2025, 11, 24, tzinfo=UTC).timestamp()
    world = SampleWorld(seed=3, anchor=monday - 86400 * 30)
    days = Counter(
        int((d.published_at - monday) // 86400) for d in documents(world, monday, monday + 7 * 86400)
    )
    assert max(days[5], days[6]) < min(days[day] for day in range(5))
    found = [d for d in documents(world, monday, monday + 5 * 86400) if "surge" not in d.id]
    hours = Counter(datetime.fromtimestamp(d.published_at, UTC).hour for d in found)
    assert sum(hours[h] for h in range(5)) < 0.5 * sum(hours[h] for h in range(13, 18))


def test_nearly_all_originals_are_distinct_texts(history: list[SampleDocument]) -> None:
    originals = [d.text for d in history if not is_copy(d)]
    assert len(set(originals)) >= 0.85 * len(originals)


def test_copies_come_later_from_other_outlets(history: list[SampleDocument]) -> None:
    originals = {d.id: d for d in history if not is_copy(d)}
    copies = [
        (originals[d.id.rsplit(".", 1)[0]], d)
        for d in history
        if is_copy(d) and d.id.rsplit(".", 1)[0] in originals
    ]
    assert len(copies) > 500
    for original, copy in copies:
        assert copy.source != original.source
        assert 0 < copy.published_at - original.published_at <= 3 * HOUR
        assert original.title is not None
        assert original.title in copy.text
    assert 0.2 < sum(copy.text == original.text for original, copy in copies) / len(copies) < 0.8
    assert any(copy.text.startswith("RT @") for _, copy in copies)


def test_documents_point_to_reserved_domains_and_fictional_companies_only(
    history: list[SampleDocument],
) -> None:
    symbols = {company.ticker for topic in library().topics for company in topic.companies}
    assert len(symbols) >= 60
    for document in history:
        assert all(
            host.endswith(".example")
            for host in re.findall(r"https://([^/\s]+)", document.text + document.url)
        )
        assert set(document.tickers) <= symbols
        assert set(re.findall(r"\$([A-Z]{2,6})\b", document.text)) <= symbols
        assert not re.search(r"[{}]| // |  ", document.text)
