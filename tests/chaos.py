"""Documents at a steady rate while workers are killed and frozen at random; every count must be exact.

    python tests/chaos.py --seed 1 --documents 60000 --rate 800

Starts a Kafka of its own in a temporary folder. Prints what was done and what was found; exits with 1 when a
count or an alert differs. One quiet run proves nothing: weaker recipes lost documents in three runs of ten.
"""

import argparse
import random
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))

from exactness import send, write_policy
from fault_injection import FaultInjection, differences
from fleet import Fleet
from keyword_model import write_keyword_model

from bearwatch.local.kafka import LocalKafka
from stream.kafka.topics import TopicNames, create_topics


def run(seed: int, count: int, rate: float, size: int, folder: Path) -> list[str]:
    with LocalKafka(folder / "kafka") as kafka:
        names = TopicNames("chaos.")
        create_topics(kafka.connection, names)
        model, policy = write_keyword_model(folder / "model"), write_policy(folder / "policy.toml")
        with Fleet(size, kafka.bootstrap, names.prefix, model, policy, folder) as fleet:
            faults = FaultInjection(fleet, random.Random(seed))
            send(kafka.bootstrap, names, count, seed, rate, faults)
            wrong = differences(kafka.bootstrap, names, policy, model)
            print(f"seed {seed}: {faults.kills} kills, {faults.freezes} freezes", flush=True)
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
