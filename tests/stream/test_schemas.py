"""The published JSON Schema says what the types say, and messages keep to it."""

import json

import msgspec
import pytest
from jsonschema import Draft202012Validator, ValidationError
from messages import classified

from bearwatch.core.times import utc
from stream.messages import Document, Rate, Tick, encode
from stream.schemas import MESSAGES, path_of, schemas, text_of


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads(path_of(name).read_text()))


@pytest.mark.parametrize("name", MESSAGES)
def test_the_committed_schema_is_that_of_the_type(name: str):
    assert path_of(name).read_text() == text_of(schemas()[name]), "run `python -m stream.schemas`"
    Draft202012Validator.check_schema(schemas()[name])


def test_messages_keep_to_their_schema():
    document = Document(id="1", text="Oil falls", published_at=utc(0), source="Wire", tickers=["OIL"])
    rate = Rate(
        key="news/topic:Macro", stream="news", topic="Macro", window_seconds=900, window_end=utc(0),
        documents=1, negative_documents=0, stories=1, negative_stories=0, sources=1,
        negative_ratio=0.0, baseline_ratio=0.2, score=None, p_value=None,
    )  # fmt: skip
    tick = Tick(source="news-0", offset=3, event_time=None)
    for name, message in {
        "document": document,
        "classified": classified(10.0, negative=True),
        "rate": rate,
        "tick": tick,
    }.items():
        content = json.loads(encode(message))
        validator(name).validate(content)
        assert content["schema_version"] == 1


def test_the_schema_rejects_what_the_decoder_rejects():
    for wrong in ([], {}, {"id": "", "text": "x", "published_at": "2026-01-01T00:00:00Z", "source": "w"}):
        with pytest.raises(ValidationError):
            validator("document").validate(wrong)
        with pytest.raises(msgspec.ValidationError):
            msgspec.json.decode(json.dumps(wrong), type=Document)
