"""Kafka to windows against the classifier alone: documents a second of one worker, and its memory.

python -m benchmarks.stream [--documents 12000] [--hours H] [--texts FILE] [--pairs 3] [--engine auto] [--model FOLDER]

Starts a Kafka of its own in a temporary folder. Each pair classifies the same texts of the sample feed twice: raw,
by `Classifier.classify` in batches of 256 in this process, and by a new worker that finds them as history in new
topics. The worker's time begins when Kafka holds the results of its first batch, which do not count, and ends when
the `state` topic says that the last document of every partition is counted; both are Kafka's own time stamps.

The documents are stamped LIVE_DOCUMENTS_A_SECOND apart, as in a live stream that a worker can just follow; --hours
spreads them over so many hours instead. A back-fill is dearer (`--documents 6000 --hours 137`, the sample feed's own
density): a document that is alone in its key's minute costs seven evaluations and five rates, which in a dense
stream many share. --texts gives the documents the lines of a file as texts, as often as there are documents.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import replace
from itertools import cycle
from pathlib import Path

from bearwatch.local.kafka import LocalKafka
from bearwatch.local.ports import HOST, free_port
from bearwatch.local.processes import bearwatch_command
from bearwatch.local.worker import worker_flags
from bearwatch.sample import SampleDocument, SampleWorld, documents
from bearwatch.sample.live import to_message
from benchmarks.committed import records
from models.classifier import BUNDLED, Classifier
from models.engines import AUTO, ENGINES
from models.machine import this_machine
from models.text import normalise
from stream.aggregate.state import POSITION_KEY, PartitionState, load
from stream.classify.agent import BATCH_DOCUMENTS
from stream.ingest.producer import DocumentProducer
from stream.kafka.connection import KafkaConnection
from stream.kafka.topics import TopicNames, create_topics
from stream.messages import TICK_KEY, encode
from stream.settings import WorkerSettings

ANCHOR = 1_764_072_000.0  # 2025-11-25 12:00 UTC; the documents are those before it
DAY = 86_400.0
PARTITIONS = 4
WARM_UP_DOCUMENTS = 1000
# What two cores without AMX and without a GPU follow; the ratio hardly depends on it near this rate.
LIVE_DOCUMENTS_A_SECOND = 500.0
PATIENCE_SECONDS = 600.0


def sample(count: int, hours: float | None, texts: list[str]) -> list[SampleDocument]:
    """The last `count` documents before ANCHOR (a day brings about a thousand), squeezed into `hours`."""
    days = 2 + count / 500
    found = list(documents(SampleWorld(7, ANCHOR), ANCHOR - days * DAY, ANCHOR))[-count:]
    if texts:
        found = [replace(each, text=text) for each, text in zip(found, cycle(texts), strict=False)]
    seconds = hours * 3600 if hours is not None else count / LIVE_DOCUMENTS_A_SECOND
    speed = (ANCHOR - found[0].published_at) / seconds
    return [replace(each, published_at=ANCHOR - (ANCHOR - each.published_at) / speed) for each in found]


def raw_rate(classifier: Classifier, texts: list[str], size: int) -> float:
    started = time.perf_counter()
    for first in range(0, len(texts), size):
        classifier.classify(texts[first : first + size])
    return len(texts) / (time.perf_counter() - started)


def stream_rate(settings: WorkerSettings, history: list[SampleDocument], folder: Path) -> tuple[float, int]:
    """Documents a second of a worker that finds `history` in its topics, and its peak memory in bytes."""
    names = TopicNames(settings.prefix)
    create_topics(settings.connection, names, PARTITIONS)
    with DocumentProducer(settings.connection, names) as producer:
        for each in history:
            producer.send(each.stream, encode(to_message(each)), each.id, int(each.published_at * 1000))
    command = bearwatch_command("worker", *worker_flags(settings, None))
    with (folder / f"{settings.prefix}log").open("wb") as log:
        worker = subprocess.Popen(command, stdout=log, stderr=log)
        try:
            wait_until_read(settings, worker, Path(log.name))
            peak = peak_bytes(worker.pid)
        finally:
            worker.terminate()
            worker.wait()
    return counted_rate(settings.connection, names), peak


def wait_until_read(settings: WorkerSettings, worker: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until nothing lies unread in `news`, `comments` and `classified`."""
    address = f"http://{HOST}:{settings.metrics_port}/metrics"
    deadline = time.monotonic() + PATIENCE_SECONDS
    lags: list[str] = []
    while len(lags) < 3 * PARTITIONS or any(float(lag) for lag in lags):
        time.sleep(2)
        if worker.poll() is not None or time.monotonic() > deadline:
            sys.exit(f"the worker has ended or does not get on; it said:\n{log.read_text()[-2000:]}")
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                lags = re.findall(
                    r"^bearwatch_lag_records\{.*\} (\S+)$", answer.read().decode(), re.MULTILINE
                )
        except OSError:
            pass  # it is still starting


def peak_bytes(pid: int) -> int:
    kibibytes = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert kibibytes is not None
    return int(kibibytes[1]) * 1024


def counted_rate(connection: KafkaConnection, names: TopicNames) -> float:
    """From the end of the first batch until the last document is counted."""
    results: list[int] = []  # milliseconds
    first_tick: int | None = None
    last = dict[int, int]()  # the last result's offset, by partition
    for record in records(connection, names.classified):
        if record.key == TICK_KEY:
            first_tick = min(first_tick or record.timestamp, record.timestamp)
        else:
            results.append(record.timestamp)
            last[record.partition] = max(record.offset, last.get(record.partition, 0))
    counted = dict[int, int]()  # when the last result was, by partition
    for record in records(connection, names.state):
        if record.key == POSITION_KEY and record.partition in last and record.partition not in counted:
            state = PartitionState()
            load(state, record.key, record.value)
            if state.position.offset > last[record.partition]:
                counted[record.partition] = record.timestamp
    assert first_tick is not None and counted.keys() == last.keys()
    after_first_batch = sum(each > first_tick for each in results)
    return after_first_batch / (max(counted.values()) - first_tick) * 1000


def machine() -> str:
    cpuinfo = Path("/proc/cpuinfo").read_text()
    name = re.search(r"model name\s*:\s*(.*)", cpuinfo)
    here = this_machine()
    return (
        f"{name[1] if name else 'unknown CPU'}, {here.cpus} CPUs, {'AMX' if here.amx else 'no AMX'}, "
        f"load average {os.getloadavg()[0]:.1f}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--documents", type=int, default=12_000)
    parser.add_argument("--hours", type=float)
    parser.add_argument("--texts", type=Path)
    parser.add_argument("--pairs", type=int, default=3)
    parser.add_argument("--engine", choices=[AUTO, *ENGINES], default=AUTO)
    parser.add_argument("--model", type=Path, default=BUNDLED)
    options = parser.parse_args()
    lines = options.texts.read_text().splitlines() if options.texts else []
    history = sample(options.documents, options.hours, list(filter(normalise, lines)))
    texts = [each.text for each in history]
    classifier = Classifier.load(options.model, options.engine)
    seconds = history[-1].published_at - history[0].published_at
    print(
        f"{machine()}; {len(history)} documents of {seconds:.0f} s, engine {classifier.engine_name}",
        flush=True,
    )
    folder = Path(tempfile.mkdtemp(prefix="bearwatch-benchmark-"))
    ratios, peaks = [], []
    with LocalKafka(folder / "kafka") as kafka:
        for pair in range(options.pairs + 1):
            settings = WorkerSettings(
                connection=kafka.connection,
                prefix=f"pair{pair}.",
                group=f"pair{pair}",
                metrics_port=free_port(),
                model=options.model,
                engine=options.engine,
            )
            if pair == 0:  # the broker compiles its code in its first seconds; one in production has done so
                stream_rate(settings, history[-WARM_UP_DOCUMENTS:], folder)
                continue
            raw = raw_rate(classifier, texts, BATCH_DOCUMENTS)
            streamed, peak = stream_rate(settings, history, folder)
            ratios.append(streamed / raw)
            peaks.append(peak)
            print(
                f"pair {pair}: raw {raw:.0f} documents/s, Kafka to windows {streamed:.0f}, ratio {ratios[-1]:.3f}; "
                f"worker's peak memory {peak / 1e6:.0f} MB; load average {os.getloadavg()[0]:.1f}",
                flush=True,
            )
    print(
        f"median ratio {statistics.median(ratios):.3f}, peak memory {max(peaks) / 1e6:.0f} MB; logs in {folder}"
    )


if __name__ == "__main__":
    main()
