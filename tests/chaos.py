"""Documents at a steady rate while workers are killed and frozen at random; every count must be exact.

    python tests/chaos.py --seed 1 --documents 60000 --rate 800

Starts a Kafka of its own in a temporary folder. Prints what was done and what was found; exits with 1 when a
count or an alert differs. One quiet run proves nothing: weaker recipes lost documents in three runs of ten.
"""

import argparse
import random
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path

from exactness import alerts, counted, send, truth, wait_until_counted, write_policy
from fleet import Fleet
from keyword_model import write_keyword_model

from alerting.policy import load_policy
from models.manifest import load_manifest, model_hash
from stream.local_kafka import LocalKafka
from stream.topics import TopicNames, create_topics

CATCH_UP_SECONDS = 60


@dataclass
class Mischief:
    """At random, every `every` seconds, one worker is killed or frozen."""

    fleet: Fleet
    rng: random.Random
    every: tuple[float, float] = (1, 5)
    freeze_seconds: tuple[float, float] = (5, 13)
    freeze_share: float = 0.5
    kills: int = 0
    freezes: int = 0
    _next: float = field(default_factory=lambda: time.monotonic() + 8)  # first let them take their partitions

    def __call__(self, _: float) -> None:
        if time.monotonic() < self._next:
            return
        worker = self.rng.choice(self.fleet.workers)
        if worker.frozen_until == 0.0 and self.rng.random() < self.freeze_share:
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
    deadline = time.monotonic() + 15
    while (found := alerts(broker, names)) != expected.alerts and time.monotonic() < deadline:
        time.sleep(1)
    panes, documents = counted(broker, names)
    wrong = [
        f"{key} {start}: counted {panes.get((key, start))}, true {figures}"
        for (key, start), figures in expected.panes.items()
        if panes.get((key, start)) != figures
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
        wrong.append("no surge rang: the comparison of alerts shows nothing")
    return wrong


def run(seed: int, count: int, rate: float, size: int, folder: Path) -> list[str]:
    with LocalKafka(folder / "kafka") as kafka:
        names = TopicNames("chaos.")
        create_topics(kafka.bootstrap, names)
        model, policy = write_keyword_model(folder / "model"), write_policy(folder / "policy.toml")
        with Fleet(size, kafka.bootstrap, names.prefix, model, policy, folder) as fleet:
            mischief = Mischief(fleet, random.Random(seed))
            send(kafka.bootstrap, names, count, seed, rate, mischief)
            wrong = differences(kafka.bootstrap, names, policy, model)
            print(f"seed {seed}: {mischief.kills} kills, {mischief.freezes} freezes", flush=True)
        return wrong


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--documents", type=int, default=60_000)
    parser.add_argument("--rate", type=float, default=800, help="documents a second")
    parser.add_argument("--workers", type=int, default=2)
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="bearwatch-chaos-"))
    print(f"logs in {folder}", flush=True)
    wrong = run(arguments.seed, arguments.documents, arguments.rate, arguments.workers, folder)
    print("\n".join(wrong[:20]) or "exact")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
