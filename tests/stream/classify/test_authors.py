"""No message behind the input topics names an author: not as the source, not in the address."""

import json
from typing import Any

import pytest
from messages import classified as counted

from alerting.detection.policy import load_policy
from models.classifier import Classification, Prediction
from stream.aggregate.aggregator import Aggregator
from stream.classify.authors import pseudonym, source_of, url_of
from stream.classify.document import classified, examine
from stream.messages import Document, Origin, Tick, decode_document, encode

NOW = 1_800_000_000.0


def document(**changes: Any) -> Document:
    fields = {
        "id": "1",
        "text": "Oil burns",
        "published_at": "2026-01-02T03:04:05Z",
        "source": "Board",
    } | changes
    return decode_document(json.dumps(fields).encode())


@pytest.mark.parametrize(
    ("author", "source"),
    [
        ("kim", "kim"),
        ("Kim", "@kim"),
        (" @KIM ", "kim"),
        ("Kim  Doe", "kim doe"),
        ("Straße", "STRASSE"),
        ("金", "@金"),
    ],
)
def test_a_source_that_is_the_author_is_a_pseudonym(author: str, source: str):
    found = source_of(document(author=author, source=source))
    assert found == pseudonym(author) == pseudonym(source)
    assert found.startswith("author-") and len(found) == 23


@pytest.mark.parametrize(
    ("author", "source"),
    [("kim", "Board"), ("kim", "kimberley"), (None, "kim"), ("", "kim"), ("@", "@")],
)
def test_any_other_source_stays(author: str | None, source: str):
    assert source_of(document(author=author, source=source)) == source


@pytest.mark.parametrize(
    "url",
    [
        "https://forum.example/u/kim/42",
        "https://forum.example/@Kim/42",
        "https://kim.example/42",
        "https://forum.example/?user=kim&n=1",
        "https://forum.example/%6Bim",
        "https://kim@forum.example/1",
    ],
)
def test_an_address_that_names_the_author_is_left_out(url: str):
    assert url_of(document(author="Kim", url=url)) is None
    assert url_of(document(author="lee", url=url)) == url_of(document(url=url)) == url


@pytest.mark.parametrize(
    "url", ["https://a.example/by/jane-doe/1", "https://a.example/jane_doe", "//a/Jane%20Doe/1"]
)
def test_so_is_one_that_writes_a_name_of_several_words_its_own_way(url: str):
    assert url_of(document(author="Jane Doe", url=url)) is None


@pytest.mark.parametrize(
    "url", ["https://forum.example/kimono/1", "https://forum.example/42", "http://[", ""]
)
def test_any_other_address_stays(url: str):
    assert url_of(document(author="kim", url=url)) == url


def test_neither_classified_nor_state_nor_rates_nor_alerts_hold_an_author():
    """One account's comments beside others', until an alert fires."""
    answer = Classification(
        {"topic": Prediction("Macro", 0.9), "sentiment": Prediction("negative", 0.9)}, "model", "engine"
    )
    aggregator = Aggregator(load_policy(), "model", ["comments-0"])
    written: list[bytes] = []

    def tick(time: float) -> None:
        aggregator.apply(Tick(source="comments-0", offset=0, event_time=time), time)
        changes = aggregator.take_changes()
        written.extend(value for value in changes.records.values() if value is not None)
        written.extend(encode(each) for each in (*changes.rates, *changes.alerts))

    offset = 0
    for hour in range(30):  # of a usual time, so that the key is warm
        for number in range(20):
            time = NOW + hour * 3600 + number * 150
            message = counted(time, offset=offset, negative=number == 0, stream="comments", topic="Macro")
            aggregator.apply(message, time)
            offset += 1
        tick(NOW + hour * 3600 + 3000)
    for number in range(60):
        time = NOW + 30 * 3600 + number * 10
        value = json.loads(
            encode(document(id=str(number), text=f"Bad news {number}", author=f"Zaphod{number}"))
        )
        value |= {"source": f"@zaphod{number}", "url": f"https://forum.example/u/zaphod{number}/1"}
        (message,) = classified(
            examine(json.dumps(value).encode(), time, time, 300.0),
            "comments",
            answer,
            Origin("comments", 0, offset),
        )
        written.append(encode(message))
        aggregator.apply(message, time)
        offset += 1
    tick(NOW + 30 * 3600 + 900)
    alerts = [each for each in written if b'"evidence":[{' in each]
    assert alerts and b'"source":"author-' in alerts[0]
    assert not [each for each in written if b"zaphod" in each.lower()]
