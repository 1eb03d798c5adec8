"""The stream with a model for each of two languages: each document, message and explanation has the right one."""

import asyncio
import json
import threading
import time

import pytest
from alert_messages import alert
from keyword_model import write_keyword_model
from prometheus_client import CollectorRegistry

from alerting.alerts import Alert, Evidence
from alerting.monitoring.metrics import Metrics
from models.classifier import Classifier
from models.engines import CPU
from models.loaded import Models
from stream.classify.agent import Inference
from stream.classify.document import Examined, classified, examine
from stream.classify.explanations import Explainer
from stream.messages import Origin


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Models:
    def load(translations: dict[str, str]) -> Classifier:
        folder = write_keyword_model(tmp_path_factory.mktemp("model"), translations)
        return Classifier.load(folder, CPU, threads=1)

    return Models(load({}), {"zh": load({"oil": "石油", "negative": "暴跌"})})


@pytest.fixture
def inference(models: Models) -> Inference:
    return Inference(models, Metrics(CollectorRegistry(), topics=(), sentiments=(), dead_letter_reasons=()))


def look(**fields: str) -> Examined:
    now = time.time()
    document = {"id": "1", "published_at": "2026-01-01T00:00:00Z", "source": "wire", **fields}
    return examine(json.dumps(document).encode(), now, now, 300)


def test_a_message_names_the_model_that_classified_its_document(inference: Inference, models: Models) -> None:
    examined = [
        look(text="oil negative", language="en"),
        look(text="石油 暴跌", language="zh"),
        look(text="oil negative"),
    ]
    answers = asyncio.run(inference.classify([each.model_input for each in examined]))
    messages = [
        message
        for each, answer in zip(examined, answers, strict=True)
        for message in classified(each, "news", answer, Origin("bearwatch.news", 0, 0))
    ]
    assert [each.key for each in messages] == ["news/topic:Energy | Oil"] * 3
    assert [each.sentiment for each in messages] == ["negative"] * 3
    english, chinese = (each.model_hash for each in models.loaded)
    assert [each.model for each in messages] == [english, chinese, english]


def metrics() -> Metrics:
    return Metrics(CollectorRegistry(), topics=(), sentiments=(), dead_letter_reasons=())


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
