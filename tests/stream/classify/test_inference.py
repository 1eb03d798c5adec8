"""The stream with a model for each of two languages: each document, message and explanation has the right one."""

import asyncio
import json
import threading
import time
from pathlib import Path

import pytest
from alert_messages import alert
from keyword_model import write_keyword_model
from prometheus_client import CollectorRegistry

from alerting.alerts import Alert, Evidence
from alerting.monitoring.metrics import Metrics
from models.classifier import Classifier
from models.engines import CPU
from models.loaded import Models
from stream.classify import document
from stream.classify.explanations import Explainer
from stream.classify.inference import MOST_COMPANIES, Answered, Inference, Limits, Record
from stream.entities.watched import WatchedCompanies
from stream.messages import BadDocument, Origin


def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), topics=(), sentiments=(), dead_letter_reasons=())


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    def load(translations: dict[str, str]) -> Classifier:
        folder = write_keyword_model(tmp_path_factory.mktemp("model"), translations)
        return Classifier.load(folder, CPU, threads=1)

    return Models(load({}), {"zh": load({"oil": "石油", "negative": "暴跌"})})


@pytest.fixture
def inference(models: Models) -> Inference:
    return Inference(models, metrics(), WatchedCompanies())


NEWS = Limits("news", 300)


def record(event_time: float | None = None, *, offset: int = 0, **fields: object) -> Record:
    """A document, stamped now unless `event_time` is given."""
    fields = {"id": "1", "published_at": "2026-01-01T00:00:00Z", "source": "wire", **fields}
    at = time.time() if event_time is None else event_time
    return Record(json.dumps(fields).encode(), at, Origin("bearwatch.news", 0, offset))


def test_a_message_names_the_model_that_classified_its_document(inference: Inference, models: Models) -> None:
    records = [
        record(text="oil negative", language="en"),
        record(text="石油 暴跌", language="zh"),
        record(text="oil negative"),
    ]
    answers = asyncio.run(inference.answer(records, NEWS))
    messages = [message for each in answers for message in each.results]
    assert [each.key for each in messages] == ["news/topic:Energy | Oil"] * 3
    assert [each.sentiment for each in messages] == ["negative"] * 3
    english, chinese = (each.model_hash for each in models.loaded)
    assert [each.model for each in messages] == [english, chinese, english]


def test_each_record_has_its_answer(inference: Inference) -> None:
    """Whatever stands between them: the answers are in the order of the records."""
    bad = Record(b"{broken", time.time(), Origin("bearwatch.news", 0, 1))
    records = [
        bad,
        record(offset=2, text="oil negative"),
        record(offset=3, text="www.example.com"),
        record(offset=4, text="a" + "\u0301\u0323" * 30_000 + " oil"),
        bad,
        record(offset=6, text="bank neutral"),
    ]
    answers = asyncio.run(inference.answer(records, NEWS))
    assert [answer.kind if isinstance(answer, BadDocument) else "" for answer in answers] == [
        "json",
        "",
        "text",
        "",
        "json",
        "",
    ]
    offsets = [answer.results[0].origin.offset for answer in answers if not isinstance(answer, BadDocument)]
    assert offsets == [2, 4, 6]
    assert asyncio.run(inference.answer([], NEWS)) == []


def test_the_event_loop_does_not_wait_for_a_text(
    inference: Inference, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Texts were normalised on it: 80 hostile ones kept it from the broker for longer than a session."""
    released = threading.Event()
    examine = document.examine

    def slow(*arguments: object) -> document.Examined:
        assert released.wait(60), "the event loop could not go on"
        return examine(*arguments)

    monkeypatch.setattr("stream.classify.inference.examine", slow)

    async def run() -> list[object]:
        answers = asyncio.create_task(inference.answer([record(text="oil negative")] * 3, NEWS))
        await asyncio.sleep(0.01)
        released.set()
        return await answers

    assert len(asyncio.run(run())) == 3


@pytest.mark.parametrize(
    ("seconds", "rejected"),
    [(None, "no timestamp"), (-0.001, "no timestamp"), ((2**63 - 1) / 1000, "ahead of the clock")],
)
def test_a_timestamp_that_cannot_be(inference: Inference, seconds: float | None, rejected: str) -> None:
    (answer,) = asyncio.run(inference.answer([record(text="oil")._replace(event_time=seconds)], NEWS))
    assert isinstance(answer, BadDocument)
    assert (answer.kind, rejected in answer.reason) == ("timestamp", True)


@pytest.mark.parametrize("seconds", [0.0, 0.001, 86_400.0])
def test_a_timestamp_of_long_ago(inference: Inference, seconds: float) -> None:
    (answer,) = asyncio.run(inference.answer([record(seconds, text="oil")], NEWS))
    assert isinstance(answer, Answered)
    assert (answer.reached, answer.results[0].event_time.timestamp()) == (seconds, seconds)


@pytest.mark.parametrize("ahead", [1, 60, 299])
def test_a_record_stamped_ahead_moves_no_clock(inference: Inference, ahead: float) -> None:
    """It keeps its timestamp; how far its partition has come is not later than the clock."""
    stamped = time.time() + ahead
    (answer,) = asyncio.run(inference.answer([record(stamped, text="oil")], NEWS))
    assert isinstance(answer, Answered)
    assert answer.reached <= time.time() < stamped
    assert answer.results[0].event_time.timestamp() == pytest.approx(stamped, abs=1e-5)


def test_a_document_is_answered_under_its_topic_and_each_watched_company(
    models: Models, tmp_path: Path
) -> None:
    watch_list = tmp_path / "list.csv"
    names = "".join(f"N{number},Nomira{number},N{number:03}\n" for number in range(MOST_COMPANIES + 5))
    watch_list.write_text("id,names,tickers\n" + names)
    counted = metrics()
    inference = Inference(models, counted, WatchedCompanies(watch_list))
    records = [
        record(text="oil negative Nomira1 Nomira2 Nomira1", tickers=["N003", "N002"]),
        record(text="oil neutral"),
        record(text="oil " + " ".join(f"Nomira{number}" for number in range(MOST_COMPANIES + 5))),
    ]
    several, none, many = (each.results for each in asyncio.run(inference.answer(records, NEWS)))
    assert [each.key for each in several] == [
        "news/topic:Energy | Oil",
        "news/entity:N1",
        "news/entity:N2",
        "news/entity:N3",
    ]
    assert [each.is_of_topic for each in several] == [True, False, False, False]
    assert {(each.id, each.sentiment, each.topic, each.origin) for each in several} == {
        ("1", "negative", "Energy | Oil", records[0].origin)
    }
    assert [each.key for each in none] == ["news/topic:Energy | Oil"]
    assert [each.key for each in many[1:]] == [f"news/entity:N{number}" for number in range(MOST_COMPANIES)]
    assert counted.companies_left_out.labels("news")._value.get() == 5


def test_a_story_is_explained_by_the_model_that_classified_it(models: Models) -> None:
    english, chinese = (each.model_hash for each in models.loaded)
    stories = (
        Evidence(text="石油 暴跌", source="wire", probability=0.9, model=chinese),
        Evidence(text="oil negative", source="wire", probability=0.9, model=english),
        Evidence(text="oil negative", source="wire", probability=0.9, model="of a former release"),
    )
    (explained,) = asyncio.run(Explainer(models, metrics(), 60)([alert(evidence=stories)]))
    assert [each.words for each in explained.evidence] == [("暴跌",), ("negative",), ("negative",)]


def unexplained(counted: Metrics, reason: str) -> float:
    return counted.unexplained_alerts.labels(reason)._value.get()  # type: ignore[no-any-return]


def test_an_engine_error_leaves_an_alert_without_words(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It stood inside the commit: the worker ended, and the next one with the same alert as well."""

    def fail(*_: object) -> None:
        raise RuntimeError("the engine failed")

    monkeypatch.setattr("stream.classify.explanations.decisive_words", fail)
    one = alert(evidence=(Evidence(text="oil negative", source="wire", probability=0.9),))
    counted = metrics()
    assert asyncio.run(Explainer(models, counted)([one, one])) == [one, one]
    assert (unexplained(counted, "error"), unexplained(counted, "timeout")) == (2, 0)


def test_an_alert_does_not_wait_for_a_slow_explanation(
    models: Models, monkeypatch: pytest.MonkeyPatch
) -> None:
    released = threading.Event()

    def slow(*_: object) -> list[list[str]]:
        released.wait(60)
        return [["late"]]

    monkeypatch.setattr("stream.classify.explanations.decisive_words", slow)
    one = alert(evidence=(Evidence(text="oil negative", source="wire", probability=0.9),))
    counted = metrics()

    async def run() -> list[Alert]:
        found = await Explainer(models, counted, 0.05)([one, one, alert(state="resolved")])
        released.set()  # it was not waited for: the thread still held it
        return found

    assert asyncio.run(run()) == [one, one, alert(state="resolved")]
    assert (unexplained(counted, "error"), unexplained(counted, "timeout")) == (0, 2)
