"""Whenever the sample feed is started, its own surge fires within a minute: 24 starts, one in each hour of the day.

The pure core alone: no Kafka, no model. The labels are the intended ones with the noise that the bundled model has on
this topic (`python -m benchmarks.sample_labels`): it misreads the sentiment of 15 % of the ordinary news and of 4 %
of the surge's.
"""

import random
from datetime import UTC, datetime

import pytest
from messages import classified

from alerting.alerts import Alert
from alerting.detection.policy import load_policy
from bearwatch.sample import HISTORY_SECONDS, SampleDocument, SampleWorld, documents
from stream.aggregate.aggregator import Aggregator
from stream.messages import Tick

TOPIC = "Energy | Oil"  # of the surge that breaks six minutes before the start
MONDAY = datetime(2025, 11, 24, tzinfo=UTC).timestamp()
STARTS = [MONDAY + 7 * 3600.0 * number for number in range(24)]  # a week, and each hour of the day once
SOURCES = ("news-0", "comments-0")
SEED, NOISE_SEED = 7, 14
MISREAD_USUAL, MISREAD_SURGE = 0.15, 0.04
WITHIN_SECONDS = 60


class Feed:
    """The sample feed and the worker's ticks, into an aggregator under the shipped policy."""

    def __init__(self, start: float) -> None:
        policy = load_policy()
        self.aggregator = Aggregator(policy, "test", SOURCES)
        self._idle_after = policy.time.idle_after_seconds
        self._start = start
        self._world = SampleWorld(SEED, start)
        self._rng = random.Random(f"{NOISE_SEED}/{STARTS.index(start)}")
        self._labels: dict[str, bool] = {}
        self._event_times = dict.fromkeys(SOURCES, 0.0)
        self._moved = dict.fromkeys(SOURCES, 0.0)

    def catch_up(self) -> list[Alert]:
        """Send what lies before the start, stamped with its time of publication."""
        for document in documents(self._world, self._start - HISTORY_SECONDS, self._start):
            self._send(document, document.published_at, self._start)
            if document.intended_topic == TOPIC:
                self._tick(self._start)
        self._tick(self._start)
        return self.aggregator.take_changes().alerts

    def follow(self, second: int) -> list[Alert]:
        """Send what one second brings, stamped with the clock's time, and let idle sources follow the clock."""
        now = self._start + second
        for document in documents(self._world, now - 1, now):
            self._send(document, now, now)
        self._tick(now)
        return self.aggregator.take_changes().alerts

    def _send(self, document: SampleDocument, time: float, now: float) -> None:
        source = f"{document.stream}-0"
        self._event_times[source], self._moved[source] = time, now
        if (document.stream, document.intended_topic) == ("news", TOPIC):
            self.aggregator.apply(
                classified(
                    time,
                    negative=self._read_as_negative(document),
                    story=_story(document),
                    source=document.source,
                    topic=TOPIC,
                ),
                now,
            )

    def _read_as_negative(self, document: SampleDocument) -> bool:
        if _story(document) not in self._labels:
            misread = MISREAD_SURGE if "-surge" in document.id else MISREAD_USUAL
            wrong = self._rng.random() < misread
            self._labels[_story(document)] = (document.intended_sentiment == "negative") != wrong
        return self._labels[_story(document)]

    def _tick(self, now: float) -> None:
        for source in SOURCES:
            clock = now if now - self._moved[source] >= self._idle_after else None
            self.aggregator.apply(
                Tick(source=source, offset=0, event_time=self._event_times[source], clock=clock), now
            )


def _story(document: SampleDocument) -> str:
    """The id of the original: copies of a story have a further part."""
    return ".".join(document.id.split(".")[:2])


def fires(alerts: list[Alert]) -> bool:
    return any(not alert.historical and alert.state != "resolved" for alert in alerts)


@pytest.mark.parametrize("start", STARTS, ids=lambda start: f"{datetime.fromtimestamp(start, UTC):%a %H h}")
def test_the_surge_fires_within_a_minute_of_the_start(start: float):
    feed = Feed(start)
    assert fires(feed.catch_up()) or any(
        fires(feed.follow(second)) for second in range(1, WITHIN_SECONDS + 1)
    )
