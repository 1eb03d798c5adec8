"""The stream with a model for each of two languages: each document, message and explanation has the right one."""

import asyncio
import json
import time

import pytest
from alert_messages import alert
from keyword_model import write_keyword_model
from prometheus_client import CollectorRegistry

from alerting.alerts import Evidence
from alerting.monitoring.metrics import Metrics
from models.classifier import Classifier
from models.engines import CPU
from models.loaded import Models
from stream.classify.agent import Inference
from stream.classify.document import Examined, classified, examine
from stream.classify.explanations import explainer
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


def test_a_story_is_explained_by_the_model_that_classified_it(inference: Inference, models: Models) -> None:
    english, chinese = (each.model_hash for each in models.loaded)
    stories = (
        Evidence(text="石油 暴跌", source="wire", probability=0.9, model=chinese),
        Evidence(text="oil negative", source="wire", probability=0.9, model=english),
        Evidence(text="oil negative", source="wire", probability=0.9, model="of a former release"),
    )
    explained = asyncio.run(explainer(inference)(alert(evidence=stories)))
    assert [each.words for each in explained.evidence] == [("暴跌",), ("negative",), ("negative",)]
