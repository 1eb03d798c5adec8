"""The health of a worker: one of four states, and whether its process must end. `metrics_server` serves it."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from aiokafka import TopicPartition

from stream.settings import WorkerSettings

STALE_HEARTBEAT_SECONDS = 15.0  # an event loop that has not run for longer is stuck


@dataclass(frozen=True)
class Standing:
    """Where a topic stands, as far as this worker owns it."""

    reached: frozenset[tuple[TopicPartition, int]]  # the next offset of each partition
    lag: int  # records from there on
    stalled: int = 0  # measurements in a row, one a second, in which there was lag and nothing moved


@dataclass
class Health:
    """Written by the event loop, read by the server's thread and the watchdog; times are of a steady clock."""

    heartbeat: float = field(default_factory=time.monotonic)  # the event loop ran
    broker_seen: float = field(default_factory=time.monotonic)  # the broker answered
    topics: dict[str, Standing] = field(default_factory=dict)  # replaced as a whole
    assigned: bool = False
    recovering: int = 0  # partitions whose state is still being read
    unheld: int = 0  # partitions of the input topics that no worker holds

    @property
    def lag(self) -> int:
        return sum(topic.lag for topic in self.topics.values())

    def measured(self, positions: Mapping[TopicPartition, int], lags: Mapping[TopicPartition, int]) -> None:
        """Note where the partitions stand; call once a second while the broker answers.

        Topics are looked at one by one: each has an agent that may hang. Partitions are not, as a slow model
        may take minutes to come round to each of many.
        """
        topics = {}
        for name in {each.topic for each in lags}:
            inside = [each for each in lags if each.topic == name]
            now = Standing(
                frozenset((each, positions[each]) for each in inside), sum(lags[each] for each in inside)
            )
            before = self.topics.get(name)
            if before is not None and now.lag and now.reached == before.reached:
                now = replace(now, stalled=before.stalled + 1)
            topics[name] = now
        self.topics = topics

    def state(self, now: float, settings: WorkerSettings) -> tuple[str, str]:
        """`starting`, `recovering`, `serving` or `stuck`, and the reason."""
        trouble = self._trouble(
            now,
            STALE_HEARTBEAT_SECONDS,
            settings.broker_timeout_seconds / 2,
            settings.stuck_after_seconds / 2,
        )
        if trouble is not None:
            return "stuck", trouble
        if not self.assigned:
            return "starting", "no partition has been assigned yet"
        if self.unheld:
            return "starting", f"{self.unheld} partitions of the input topics are held by no worker yet"
        if self.recovering:
            return "recovering", f"{self.recovering} partitions read their state"
        return "serving", f"lag {self.lag} records"

    def failed_liveness(self, now: float, settings: WorkerSettings) -> str | None:
        """Why the process must end; None while it is alive."""
        return self._trouble(
            now, settings.stuck_after_seconds, settings.broker_timeout_seconds, settings.stuck_after_seconds
        )

    def _trouble(self, now: float, heartbeat: float, broker: float, stall: float) -> str | None:
        """What has lasted for longer than its limit, in seconds."""
        if now - self.heartbeat > heartbeat:
            return f"the event loop has not run for {now - self.heartbeat:.0f} s"
        if now - self.broker_seen > broker:
            return f"the broker has not answered for {now - self.broker_seen:.0f} s"
        for name, topic in self.topics.items():
            if topic.stalled > stall:
                return f"{topic.lag} records wait in {name} and none was committed for {topic.stalled} s"
        return None
