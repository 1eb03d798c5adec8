"""What the live view shows, read from /metrics, /healthz and the alerts topic, as other programs can read it too."""

import asyncio
from collections import defaultdict, deque
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from threading import Event, Lock
from typing import Any

import msgspec
from prometheus_client.parser import text_string_to_metric_families

from alerting.alerts import Alert
from alerting.evidence.acknowledgements import Acknowledgement, decode
from bearwatch.core.http_client import NoAnswerError, fetch
from bearwatch.core.key import DIMENSIONS, Key
from bearwatch.core.times import utc
from stream.kafka.connection import KafkaConnection
from stream.kafka.follow import Follower

ANSWER_SECONDS = 2.0
MAX_ANSWER_BYTES = 64 * 2**20  # of metrics: some hundred thousand series
STOP_SECONDS = 0.3  # to notice that the reader must stop
MAX_ALERTS = 2000  # remembered, those that fired last
MAX_UNREAD = 1000  # messages kept for `AlertReader.unread`, which a screen never calls
WINDOW = "1h"  # the window whose ratio the view shows


@dataclass(frozen=True)
class KeyStatistics:
    """One row of the table."""

    key: Key
    documents: int  # classified since the worker started; 0 for a key that is not a topic
    stories: int | None = None  # in the window
    negative_ratio: float | None = None
    baseline_ratio: float | None = None
    p_value: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """A worker at one time."""

    state: str = "starting"
    reason: str = ""
    documents: int = 0
    dead_letters: int = 0
    lag: int = 0
    keys: tuple[KeyStatistics, ...] = ()
    watermark: float | None = None  # event time in Unix seconds


def read_snapshot(address: str) -> Snapshot:
    """Ask the worker at HOST:PORT; one that does not answer, or not as a worker does, counts as `starting`."""
    try:
        health, metrics = (
            fetch(f"http://{address}{path}", ANSWER_SECONDS, MAX_ANSWER_BYTES).body
            for path in ("/healthz", "/metrics")
        )
        standing = msgspec.json.decode(health, type=_Health)  # with the state also where the status is 503
        return parse(metrics.decode(), standing.state, standing.reason)
    except (NoAnswerError, msgspec.MsgspecError, ValueError, LookupError, OverflowError, RecursionError):
        return Snapshot()


class _Health(msgspec.Struct):
    state: str
    reason: str


def parse(text: str, state: str, reason: str) -> Snapshot:
    """From the text of /metrics to a snapshot; `state` and `reason` come from /healthz.

    Raises:
        ValueError, LookupError, OverflowError: it is not the text of a worker.
    """
    statistics: dict[Key, dict[str, Any]] = defaultdict(lambda: defaultdict(int))
    outcomes: dict[str, int] = defaultdict(int)
    lag, watermarks = 0, []
    for sample in (each for family in text_string_to_metric_families(text) for each in family.samples):
        labels, value = sample.labels, sample.value
        key = _key_of(labels)
        if sample.name == "bearwatch_documents_total":
            outcomes[labels["outcome"]] += int(value)
        elif sample.name == "bearwatch_classified_total" and value and key:
            statistics[key]["documents"] += int(value)
        elif sample.name == "bearwatch_lag_records":
            lag += int(value)
        elif sample.name == "bearwatch_watermark_timestamp_seconds":
            watermarks.append(utc(value).timestamp())  # which raises for what is not a time
        elif sample.name == "bearwatch_baseline_ratio" and key:
            statistics[key]["baseline_ratio"] = value
        elif labels.get("window") == WINDOW and key:
            name = sample.name.removeprefix("bearwatch_window_")
            if name in ("negative_ratio", "p_value"):
                statistics[key][name] = value
            elif name == "stories":
                statistics[key][name] = int(value)
    return Snapshot(
        state=state,
        reason=reason,
        documents=sum(outcomes.values()),
        dead_letters=outcomes["dead_letter"],
        lag=lag,
        keys=tuple(KeyStatistics(key, **{"documents": 0, **values}) for key, values in statistics.items()),
        watermark=min(watermarks, default=None),
    )


def _key_of(labels: Mapping[str, str]) -> Key | None:
    """The key that a sample describes; None where it describes none."""
    found = ((dimension, labels.get(dimension)) for dimension in DIMENSIONS)
    return next(
        (Key.parse(f"{labels['stream']}/{dimension}:{name}") for dimension, name in found if name), None
    )


@dataclass
class AlertReader:
    """Reads committed alerts in a thread; keeps the last message of the newest ones, in the order of first firing."""

    connection: KafkaConnection
    topic: str
    _latest: dict[str, Alert] = field(default_factory=dict)
    _unread: deque[Alert] = field(default_factory=lambda: deque(maxlen=MAX_UNREAD))
    _lock: Lock = field(default_factory=Lock)

    def run(self, stop: Event) -> None:
        """Read from the first alert on until `stop` is set; a broker that is away is waited for."""
        asyncio.run(self._run(stop))

    async def _run(self, stop: Event) -> None:
        follower = Follower(self.connection, self.topic, decode, self._take)
        following = asyncio.create_task(follower.follow(lambda: None))
        while not (stop.is_set() or following.done()):
            await asyncio.wait({following}, timeout=STOP_SECONDS)
        following.cancel()
        with suppress(asyncio.CancelledError):
            await following

    def _take(self, message: Alert | Acknowledgement) -> None:
        if isinstance(message, Alert):
            with self._lock:
                self._latest[message.id] = message
                if len(self._latest) > MAX_ALERTS:
                    del self._latest[next(iter(self._latest))]
                self._unread.append(message)

    def all(self) -> list[Alert]:
        """The last message of each of the newest MAX_ALERTS alerts."""
        with self._lock:
            return list(self._latest.values())

    def unread(self) -> list[Alert]:
        """The messages since the last call, in their order."""
        with self._lock:
            messages = list(self._unread)
            self._unread.clear()
            return messages

    def active(self) -> list[Alert]:
        """The last messages of alerts that fire now and are not historical."""
        return [alert for alert in self.all() if alert.state != "resolved" and not alert.historical]
