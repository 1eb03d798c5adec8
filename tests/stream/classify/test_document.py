"""One document: what is refused and why, its story, and what `classified` holds of it."""

import json

import pytest

import stream.classify.document as document_module
from models.classifier import Classification, Prediction
from stream.classify.document import CLASSIFIED_CHARACTERS, Examined, classified, examine, story_of
from stream.messages import DOCUMENT_BYTES, BadDocument, Origin, encode

NOW = 1_800_000_000.0
FUTURE = 300.0
ANSWER = Classification(
    {"topic": Prediction("Energy | Oil", 0.9), "sentiment": Prediction("negative", 0.8)}, "model", "engine"
)
ORIGIN = Origin("bearwatch.news", 3, 17)


def document(**changes: object) -> bytes:
    fields = {
        "id": "d1",
        "text": "Oil &amp; gas",
        "published_at": "2026-01-02T03:04:05+01:00",
        "source": "wire",
    }
    return json.dumps(fields | changes).encode()


def look(value: bytes, event_time: float = NOW) -> Examined:
    return examine(value, event_time, NOW, FUTURE)


def test_a_fit_document_is_normalised_and_keeps_its_event_time():
    examined = look(document(), NOW - 5.5)
    assert (examined.text, examined.event_time) == ("Oil & gas", NOW - 5.5)


@pytest.mark.parametrize("event_time", [0.0, NOW, NOW + FUTURE])
def test_a_record_may_be_old_and_a_little_ahead(event_time: float):
    assert look(document(), event_time).event_time == event_time


@pytest.mark.parametrize(
    ("event_time", "reason"),
    [
        (-0.001, "carries no timestamp"),
        (NOW + FUTURE + 0.001, "stamped 300 s ahead of the clock"),
        (2.0**63 / 1000, "ahead of the clock"),  # a broker without a limit takes any 64-bit number
    ],
)
def test_a_record_without_a_sensible_timestamp_is_rejected(event_time: float, reason: str):
    with pytest.raises(BadDocument, match=reason) as refused:
        look(document(), event_time)
    assert refused.value.kind == "timestamp"


def test_published_at_may_be_old_but_not_ahead():
    assert look(document(published_at="1970-01-01T00:00:00Z"))
    assert look(document(published_at="2027-01-15T08:05:00Z"))
    with pytest.raises(BadDocument, match=r"published_at 2027-01-15T08:05:01\+00:00 is ahead") as refused:
        look(document(published_at="2027-01-15T08:05:01Z"))
    assert refused.value.kind == "timestamp"


def test_a_text_of_which_nothing_is_left_is_rejected():
    with pytest.raises(BadDocument, match="empty once markup and links are removed") as refused:
        look(document(text="<br> https://t.co/abc \u200b"))
    assert refused.value.kind == "text"


def test_a_story_is_a_normalised_text_whatever_its_case():
    first, second = look(document()), look(document(text="OIL  &amp;\n<b>gas</b> https://t.co/x", id="d2"))
    assert story_of(first.text) == story_of(second.text)
    assert len(story_of(first.text)) == 16
    assert story_of(first.text) != story_of("Oil & gas!")


def test_what_classified_holds():
    (message,) = classified(look(document(url="https://example.com")), "news", ANSWER, ORIGIN)
    assert json.loads(encode(message)) == {
        "id": "d1",
        "key": "news/topic:Energy | Oil",
        "stream": "news",
        "topic": "Energy | Oil",
        "topic_probability": 0.9,
        "sentiment": "negative",
        "sentiment_probability": 0.8,
        "event_time": "2027-01-15T08:00:00Z",
        "published_at": "2026-01-02T03:04:05+01:00",
        "source": "wire",
        "text": "Oil & gas",
        "url": "https://example.com",
        "story": story_of("Oil & gas"),
        "origin": {"topic": "bearwatch.news", "partition": 3, "offset": 17},
        "model": "model",
        "schema_version": 1,
    }


CHARACTERS = ["x", "\x01", "\x7f", "\u2028", "\u0301", "\U0001f4a3", '"', "\\"]


@pytest.mark.parametrize("character", CHARACTERS)
def test_a_record_of_classified_is_small_whatever_came(character: str):
    """Each field that a document fills is bounded; in JSON a character takes six bytes at most."""
    huge = character * 8_000
    name = character * 512
    value = document(
        text="x " + huge,
        id=name,
        source=name,
        url=huge,
        title=huge,
        author=huge,
        language=huge,
        tickers=[huge],
    )
    (message,) = classified(look(value), "news", ANSWER, ORIGIN)
    assert len(message.text) <= CLASSIFIED_CHARACTERS
    assert message.url is None
    assert len(encode(message)) < 25_000
    address = document(id=name, source=name, text="x " + huge, url=character * CLASSIFIED_CHARACTERS)
    (message,) = classified(look(address), "news", ANSWER, ORIGIN)
    assert len(encode(message)) < 35_000


def test_an_address_that_is_too_long_is_not_searched_for_the_author(monkeypatch: pytest.MonkeyPatch):
    """A megabyte of percent signs would take most of a second."""
    searched = []
    monkeypatch.setattr(document_module, "url_of", searched.append)
    classified(look(document(author="kim", url="%" * (CLASSIFIED_CHARACTERS + 1))), "news", ANSWER, ORIGIN)
    assert not searched
    classified(look(document(author="kim", url="%" * CLASSIFIED_CHARACTERS)), "news", ANSWER, ORIGIN)
    assert len(searched) == 1


@pytest.mark.parametrize("field", ["id", "source"])
def test_a_longer_name_is_rejected(field: str):
    with pytest.raises(BadDocument, match=rf"length <= 512 - at `\$.{field}`"):
        look(document(**{field: "\U0001f4a3" * 513}))


def test_a_document_has_a_megabyte_at_most():
    fill = DOCUMENT_BYTES - len(document(text=""))
    assert look(document(text="x" * fill))
    with pytest.raises(BadDocument, match="1048577 bytes are too many for a document; it may have 1048576"):
        look(document(text="x" * (fill + 1)))
