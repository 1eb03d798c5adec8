"""The sample feed: the same documents for ever, a believable week, and surges where they are promised."""

import re
from collections import Counter
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bearwatch.sample import HISTORY_SECONDS, SampleDocument, SampleWorld, documents
from bearwatch.sample.library import STREAMS, library
from bearwatch.sample.phrases import faults

HOUR = 3600.0
ANCHOR = datetime(2025, 11, 25, 12, tzinfo=UTC).timestamp()  # a Tuesday: the history holds a weekend
WORLD = SampleWorld(seed=7, anchor=ANCHOR)


def between(world: SampleWorld, start: float, end: float) -> list[SampleDocument]:
    return list(documents(world, start, end))


@pytest.fixture(scope="module")
def history() -> list[SampleDocument]:
    return between(WORLD, ANCHOR - HISTORY_SECONDS, ANCHOR)


def surge_of(found: list[SampleDocument], index: int) -> list[SampleDocument]:
    return [d for d in found if f"-surge{index}." in d.id]


def is_copy(document: SampleDocument) -> bool:
    return document.id.count(".") > 1


def test_the_same_seed_brings_the_same_documents_and_another_seed_others(
    history: list[SampleDocument],
) -> None:
    again = between(SampleWorld(seed=7, anchor=ANCHOR), ANCHOR - HISTORY_SECONDS, ANCHOR)
    other = between(SampleWorld(seed=8, anchor=ANCHOR), ANCHOR - HISTORY_SECONDS, ANCHOR)
    assert again == history
    assert {d.text for d in other} != {d.text for d in history}


@settings(deadline=None, derandomize=True, max_examples=30, database=None)
@given(st.lists(st.floats(-6 * HOUR, 6 * HOUR), min_size=2, max_size=6))
def test_however_time_is_cut_the_documents_are_the_same(offsets: list[float]) -> None:
    cuts = sorted(ANCHOR + offset for offset in offsets)
    whole = between(WORLD, cuts[0], cuts[-1])
    parts = [d for start, end in pairwise(cuts) for d in between(WORLD, start, end)]
    assert parts == whole


def test_a_cut_at_a_document_gives_it_to_the_later_part(history: list[SampleDocument]) -> None:
    time = history[100].published_at
    assert between(WORLD, ANCHOR - HISTORY_SECONDS, time) == history[:100]
    assert between(WORLD, time, ANCHOR) == history[100:]


def test_an_empty_stretch_has_no_documents() -> None:
    assert between(WORLD, ANCHOR, ANCHOR) == between(WORLD, ANCHOR, ANCHOR - 1) == []


def test_documents_come_in_order_within_their_stretch_and_with_ids_of_their_own(
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


def test_ordinary_mood_is_a_fifth_negative_in_news_and_a_third_in_comments(
    history: list[SampleDocument],
) -> None:
    ordinary = [d for d in history if "surge" not in d.id]
    share = {
        stream: sum(d.intended_sentiment == "negative" for d in ordinary if d.stream == stream)
        / sum(d.stream == stream for d in ordinary)
        for stream in STREAMS
    }
    assert 0.15 < share["news"] < 0.25
    assert 0.22 < share["comments"] < 0.35


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


def test_a_surge_rose_and_resolved_in_the_history(history: list[SampleDocument]) -> None:
    first = surge_of(history, 0)
    negative = [
        d for d in first if d.stream == "news" and not is_copy(d) and d.intended_sentiment == "negative"
    ]
    assert {d.intended_topic for d in first} == {"Treasuries | Corporate Debt"}
    assert len({d.text for d in negative}) > 80
    assert all(ANCHOR - 40 * HOUR <= d.published_at < ANCHOR - 38.5 * HOUR for d in negative)


@pytest.mark.parametrize("seed", range(5))
def test_a_surge_has_begun_at_the_anchor_and_is_over_half_an_hour_later(seed: int) -> None:
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


def test_the_crowd_is_of_two_minds_about_an_affair() -> None:
    """So that a surge is one of the news, told once, and comments show what an ordinary mood looks like beside it."""
    found = surge_of(between(WORLD, ANCHOR - HOUR, ANCHOR + HOUR), 1)
    comments = [d for d in found if d.stream == "comments" and not d.text.startswith("RT @")]
    alarmed = sum(d.intended_sentiment == "negative" for d in comments)
    assert len(comments) >= 40
    assert 0.05 < alarmed / len(comments) < 0.35


def test_a_desk_left_running_sees_a_surge_every_few_hours_and_not_always_the_same() -> None:
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


def test_copies_carry_the_story_to_other_outlets_later(history: list[SampleDocument]) -> None:
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


def test_each_topic_has_enough_different_texts() -> None:
    seen: set[str] = set()
    for topic in library().topics:
        for (stream, _), templates in topic.templates.items():
            assert len(templates) >= (12 if stream == "news" else 5)
            assert not seen & set(templates)
            assert len(set(templates)) == len(templates)
            seen |= set(templates)


def test_surges_have_dozens_of_angles_and_end_with_their_last_phase() -> None:
    for scenario in library().scenarios.values():
        texts = [text for phase in scenario.phases for text in phase.templates["news"]]
        assert len(set(texts)) == len(texts) >= 36
        assert scenario.phases[-1].until > 1


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
