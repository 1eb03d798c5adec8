"""A worker under load with hostile records among the documents, for as long as you like: memory, lag and counts.

    python tests/soak.py --minutes 30 --hostile-ratio 0.05 --load 0.7

Starts a Kafka of its own in a temporary folder and a worker with the bundled model. The first minute measures how
many documents a second this machine classifies while it is fed; then `--load` of that rate is sent, and with it
`--hostile-ratio` times as many hostile records of all kinds (tests/support/hostile_records.py). Texts repeat, and
windows and memory last some minutes (support/soak_policy.toml), so that what a worker holds is full after the
warm-up. Prints a line every ten seconds. Exits with 1 where memory grew by more than 5 % after the warm-up, lag was
not bounded, a good document was not counted, a bad record not answered, or the worker ended. Ctrl-C ends it early,
with the same account.
"""

import argparse
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "support"))

from one_worker import OneWorker
from soak_account import Account, Sample
from soak_feed import SoakFeed

from bearwatch.local.kafka import LocalKafka
from models.classifier import BUNDLED
from stream.kafka.topics import TopicNames, create_topics

POLICY = Path(__file__).parent / "support" / "soak_policy.toml"
PARTITIONS = 4
MEASURED_SECONDS = 60.0
BACKLOG = 3000  # documents that wait while the rate is measured: the worker is never idle
TICK_SECONDS = 0.2
SAMPLE_SECONDS = 2.0
PRINTED_EVERY = 5  # samples
DRAIN_SECONDS = 300.0


def sample(worker: OneWorker, feed: SoakFeed, started: float) -> Sample:
    """What the worker says of itself; raises AssertionError once it has ended."""
    assert worker.process is not None
    if (code := worker.process.poll()) is not None:
        raise AssertionError(f"the worker ended with {code}; its log:\n{worker.log[-3000:]}")
    status = Path(f"/proc/{worker.process.pid}/status").read_text()
    found = worker.samples()

    def total(name: str, **labels: str) -> int:
        return int(
            sum(
                value
                for (each, has), value in found.items()
                if each == name and labels.items() <= dict(has).items()
            )
        )

    return Sample(
        seconds=time.monotonic() - started,
        resident_bytes=1024 * int(status.split("VmRSS:")[1].split()[0]),
        lag=total("bearwatch_lag_records"),
        documents=total("bearwatch_documents_total", outcome="classified"),
        dead_letters=total("bearwatch_documents_total", outcome="dead_letter"),
        sent=feed.documents,
    )


def measured_rate(worker: OneWorker, feed: SoakFeed) -> float:
    """Documents a second while some always wait."""
    started, first = time.monotonic(), None
    while (now := sample(worker, feed, started)).seconds < MEASURED_SECONDS:
        if now.documents and first is None:
            first = now
        for _ in range(max(0, BACKLOG - (feed.documents - now.documents)) // feed.batch_documents):
            feed.good(feed.batch_documents)
        time.sleep(TICK_SECONDS)
    assert first is not None, "nothing was classified within a minute"
    return (now.documents - first.documents) / (now.seconds - first.seconds)


def drain(worker: OneWorker, feed: SoakFeed) -> Sample:
    """Wait until nothing is left to read, but not for ever: what is missing then is reported."""
    started = time.monotonic()
    while (last := sample(worker, feed, started)).seconds < DRAIN_SECONDS:
        if not last.lag and last.documents >= feed.documents:
            break
        time.sleep(SAMPLE_SECONDS)
    return last


def run(options: argparse.Namespace, folder: Path) -> bool:
    with LocalKafka(folder / "kafka") as kafka:
        create_topics(kafka.connection, names := TopicNames("soak."), PARTITIONS)
        with (
            OneWorker(folder, kafka.bootstrap, names.prefix, BUNDLED, policy=POLICY) as worker,
            SoakFeed(kafka.bootstrap, names.news, PARTITIONS) as feed,
        ):
            worker.wait_until("it answers", lambda: worker.state() is not None)
            rate = measured_rate(worker, feed)
            load = options.load * rate
            drain(worker, feed)
            print(
                f"{rate:.0f} documents/s; from now on {load:.0f}, {options.hostile_ratio:.0%} hostile records",
                flush=True,
            )
            account = Account(load)
            started = time.monotonic()
            try:
                while (passed := time.monotonic() - started) < 60 * options.minutes:
                    feed.keep_up(load * passed, options.hostile_ratio)
                    if not account.samples or passed - account.samples[-1].seconds > SAMPLE_SECONDS:
                        account.samples.append(sample(worker, feed, started))
                        if len(account.samples) % PRINTED_EVERY == 1:
                            print(account.samples[-1], flush=True)
                    time.sleep(TICK_SECONDS)
            except KeyboardInterrupt:
                print("ends early", flush=True)
            last = drain(worker, feed)
            return account.report(last, feed.documents, feed.dead_letters)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--hostile-ratio", type=float, default=0.05, help="hostile records for each document")
    parser.add_argument("--load", type=float, default=0.7, help="of the machine's rate")
    # A shell that starts it in the background ignores this signal.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    folder = Path(tempfile.mkdtemp(prefix="bearwatch-soak-"))
    print(f"logs in {folder}", flush=True)
    try:
        sys.exit(not run(parser.parse_args(), folder))
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
