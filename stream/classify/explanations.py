"""Adds to an alert's evidence the words that made the model call it negative."""

from collections.abc import Awaitable, Callable

import msgspec

from alerting.alerts import Alert, Evidence
from models.classifier import Classifier
from models.explain import decisive_words
from models.loaded import run_grouped
from stream.aggregate.panes import NEGATIVE
from stream.classify.agent import Inference
from stream.classify.document import SENTIMENT


def explainer(inference: Inference) -> Callable[[Alert], Awaitable[Alert]]:
    """Fills `words` on an inference thread: some hundred short texts, for a few alerts a day.

    Under load they wait for the batch before them, once; the alert's transaction waits with them.
    """

    def words(evidence: list[Evidence]) -> list[Evidence]:
        texts = [(inference.models.with_hash(each.model or ""), each.text) for each in evidence]
        found = run_grouped(_negative_words, texts)
        return [
            msgspec.structs.replace(each, words=tuple(words))
            for each, words in zip(evidence, found, strict=True)
        ]

    async def explain(alert: Alert) -> Alert:
        if alert.state == "resolved":
            return alert
        return msgspec.structs.replace(alert, evidence=await inference.run(words, list(alert.evidence)))

    return explain


def _negative_words(classifier: Classifier, texts: list[str]) -> list[list[str]]:
    return decisive_words(classifier, texts, SENTIMENT, NEGATIVE)
