"""The stream's way from documents to `classified`, with a model for each of two languages."""

import asyncio
import json
import time
from pathlib import Path

from keyword_model import write_keyword_model
from prometheus_client import CollectorRegistry

from alerting.monitoring.metrics import Metrics
from models.classifier import Classifier
from models.engines import CPU
from models.loaded import Models
from stream.classify.agent import Inference
from stream.classify.document import classified, examine
from stream.messages import Origin


def test_a_message_names_the_model_that_classified_its_document(tmp_path: Path) -> None:
    english = Classifier.load(write_keyword_model(tmp_path / "english"), CPU, threads=1)
    translations = {"oil": "石油", "negative": "暴跌"}
    chinese = Classifier.load(write_keyword_model(tmp_path / "chinese", translations), CPU, threads=1)
    metrics = Metrics(CollectorRegistry(), topics=(), sentiments=(), dead_letter_reasons=())
    inference = Inference(Models(english, {"zh": chinese}), metrics)
    now = time.time()
    examined = [
        examine(
            json.dumps(document | {"published_at": "2026-01-01T00:00:00Z", "source": "wire"}).encode(),
            now,
            now,
            300,
        )
        for document in (
            {"id": "1", "text": "oil negative", "language": "en"},
            {"id": "2", "text": "石油 暴跌", "language": "zh"},
            {"id": "3", "text": "oil negative"},
        )
    ]
    answers = asyncio.run(inference.classify([each.model_input for each in examined]))
    messages = [
        classified(each, "news", answer, Origin("bearwatch.news", 0, offset))
        for offset, (each, answer) in enumerate(zip(examined, answers, strict=True))
    ]
    assert [each.key for each in messages] == ["news/topic:Energy | Oil"] * 3
    assert [each.sentiment for each in messages] == ["negative"] * 3
    assert [each.model for each in messages] == [english.model_hash, chinese.model_hash, english.model_hash]
