"""Workers killed and frozen at random, and whether every count and alert is exact after it."""

import random
import time
from dataclasses import dataclass, field
from pathlib import Path

from exactness import alerts, counted, truth, wait_until_counted
from fleet import Fleet

from alerting.detection.policy import load_policy
from models.manifest import load_manifest, model_hash
from stream.kafka.topics import TopicNames

CATCH_UP_SECONDS = 300


@dataclass
class FaultInjection:
    """At random, every `every` seconds, one worker is killed or frozen."""

    fleet: Fleet
    rng: random.Random
    every: tuple[float, float] = (1, 5)
    freeze_seconds: tuple[float, float] = (5, 13)
    freeze_ratio: float = 0.5
    kills: int = 0
    freezes: int = 0
    _next: float = field(default_factory=lambda: time.monotonic() + 8)  # first let them take their partitions

    def __call__(self, _: float) -> None:
        if time.monotonic() < self._next:
            return
        worker = self.rng.choice(self.fleet.workers)
        if worker.frozen_until == 0.0 and self.rng.random() < self.freeze_ratio:
            worker.freeze(self.rng.uniform(*self.freeze_seconds))
            self.freezes += 1
        else:
            worker.kill()
            self.kills += 1
        self._next = time.monotonic() + self.rng.uniform(*self.every)


def differences(broker: str, names: TopicNames, policy_file: Path, model: Path) -> list[str]:
    """What the stream counted and alerted against the truth; empty when all is exact."""
    policy = load_policy(policy_file)
    expected = truth(broker, names, policy, model_hash(load_manifest(model)))
    wait_until_counted(broker, names, expected.documents, CATCH_UP_SECONDS)
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while (found := alerts(broker, names)) != expected.alerts and time.monotonic() < deadline:
        time.sleep(1)
    panes, documents = counted(broker, names)
    wrong = [
        f"{key} {start}: counted {panes.get((key, start))}, true {counts}"
        for (key, start), counts in expected.panes.items()
        if panes.get((key, start)) != counts
    ]
    wrong += [f"{place} counted, but nothing is there" for place in panes.keys() - expected.panes.keys()]
    wrong += [f"alert {each} missing {count} times" for each, count in (expected.alerts - found).items()]
    wrong += [f"alert {each} {count} times too often" for each, count in (found - expected.alerts).items()]
    print(
        f"documents {expected.documents}, counted {documents}; panes {len(expected.panes)}; "
        f"alerts {sum(expected.alerts.values())}; differences {len(wrong)}",
        flush=True,
    )
    if not expected.alerts:
        wrong.append("no alert fired: the comparison of alerts shows nothing")
    return wrong
