"""Adds to an alert's evidence the words that made the model call it negative."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor

import msgspec

from alerting.alerts import Alert, Evidence
from alerting.monitoring.metrics import Metrics
from models.classifier import Classifier
from models.explain import decisive_words
from models.loaded import Models, run_grouped
from stream.classify.document import SENTIMENT
from stream.messages import NEGATIVE

LIMIT_SECONDS = 1.0  # an alert waits no longer for its words
log = logging.getLogger("bearwatch.worker")


class Explainer:
    """Fills `words`, on a thread of its own: some hundred short texts, for a few alerts a day.

    It stands inside the transaction that an alert is part of, so it never fails and never takes long: after
    `limit_seconds`, or an error of the model, the alert goes out without words, and a metric counts it.
    """

    def __init__(self, models: Models, metrics: Metrics, limit_seconds: float = LIMIT_SECONDS) -> None:
        self._models = models
        self._metrics = metrics
        self._limit_seconds = limit_seconds
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="explanations")

    async def __call__(self, alerts: list[Alert]) -> list[Alert]:
        """The same alerts, in their order; all of them together wait for the limit at most."""
        return list(await asyncio.gather(*(self._explained(alert) for alert in alerts)))

    async def _explained(self, alert: Alert) -> Alert:
        if alert.state == "resolved" or not alert.evidence:
            return alert
        loop, evidence = asyncio.get_running_loop(), list(alert.evidence)
        try:
            async with asyncio.timeout(self._limit_seconds):
                explained = await loop.run_in_executor(self._thread, self._with_words, evidence)
        except TimeoutError:
            self._metrics.unexplained_alerts.labels("timeout").inc()
        except Exception as error:  # whatever the engine raises
            log.warning("alert %s goes out without words: %s: %s", alert.id, type(error).__name__, error)
            self._metrics.unexplained_alerts.labels("error").inc()
        else:
            return msgspec.structs.replace(alert, evidence=tuple(explained))
        return alert

    def _with_words(self, evidence: list[Evidence]) -> list[Evidence]:
        texts = [(self._models.with_hash(each.model or ""), each.text) for each in evidence]
        found = run_grouped(_negative_words, texts)
        return [
            msgspec.structs.replace(each, words=tuple(words))
            for each, words in zip(evidence, found, strict=True)
        ]


def _negative_words(classifier: Classifier, texts: list[str]) -> list[list[str]]:
    return decisive_words(classifier, texts, SENTIMENT, NEGATIVE)
