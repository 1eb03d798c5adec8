"""The texts of the sample feed: there are enough of them, and they differ."""

from bearwatch.sample.library import library


def test_each_topic_has_enough_different_texts() -> None:
    seen: set[str] = set()
    for topic in library().topics:
        for (stream, _), templates in topic.templates.items():
            assert len(templates) >= (12 if stream == "news" else 5)
            assert not seen & set(templates)
            assert len(set(templates)) == len(templates)
            seen |= set(templates)


def test_surges_have_dozens_of_texts_and_end_in_their_last_phase() -> None:
    for scenario in library().scenarios.values():
        texts = [text for phase in scenario.phases for text in phase.templates["news"]]
        assert len(set(texts)) == len(texts) >= 36
        assert scenario.phases[-1].until > 1
