"""When a worker warns that documents are much older than their records' timestamps say."""

import pytest

from stream.classify.publication_age import DOCUMENTS, OLD_SECONDS, REPEAT_SECONDS, PublicationAges


def ages_of(old: int, recent: int) -> PublicationAges:
    ages = PublicationAges("comments")
    for _ in range(old):
        assert ages.add(OLD_SECONDS + 1)
    for _ in range(recent):
        assert not ages.add(OLD_SECONDS)
    return ages


@pytest.mark.parametrize(
    ("old", "recent", "warns"),
    [
        (100, 0, True),
        (25, 75, True),
        (24, 76, False),
        (25, 0, True),
        (24, 0, False),
        (0, 100, False),
        (99, 76, False),
    ],
)
def test_a_quarter_of_the_last_hundred_is_worth_a_warning(old: int, recent: int, warns: bool) -> None:
    warning = ages_of(old, recent).warning(0.0)
    assert (warning is not None) == warns
    if warning:
        last = min(DOCUMENTS, old + recent)
        assert warning.startswith(f"comments: {min(old, last)} of the last {last} documents were published")


@pytest.mark.parametrize("age", [-1e9, -OLD_SECONDS, 0.0, OLD_SECONDS])
def test_what_was_just_published_or_will_be_is_not_old(age: float) -> None:
    assert not PublicationAges("news").add(age)


def test_it_warns_once_an_hour() -> None:
    ages = ages_of(100, 0)
    assert ages.warning(10.0)
    assert ages.warning(10.0 + REPEAT_SECONDS - 1) is None
    assert ages.warning(10.0 + REPEAT_SECONDS)
    for _ in range(80):
        ages.add(0.0)
    assert ages.warning(10.0 + 2 * REPEAT_SECONDS) is None
