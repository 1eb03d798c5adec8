"""The pure core of aggregate: documents a second on one core, bytes a story, and what reading the state back takes.

    python -m benchmarks.core [--documents 40000] [--stories 200000]

No Kafka, no model: ready messages go through panes, timers, the alert state machine and the records of `state`, in
batches of BATCH with a tick each, as a worker cuts them, and the records are encoded. The score's formula is left out:
no key passes its warm-up. The keys are 40 topics of one stream, and a fifth of the documents are copies.

The state is that of stories behind the longest window, each in a pane of its own, as it is after a restart. It is
built on a thread, as a worker does it; the longest stop is that of an event loop which meanwhile wakes each
millisecond. Stories inside the longest window are measured apart: it is filled at two rates.
"""

import argparse
import asyncio
import gc
import random
import time
import tracemalloc
from collections.abc import Iterable
from dataclasses import replace

from alerting.detection.policy import Policy, load_policy
from bearwatch.core.times import utc
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.state import PartitionState, load
from stream.messages import Classified, Origin, Tick

START = 1_764_072_000  # 2025-11-25 12:00 UTC
BATCH = 250
SOURCE = "bearwatch.news-0"
MODEL = "0123456789abcdef"
# Documents a second of event time: a busy market, the rate of a large agency, a quiet night.
RATES = {"dense": 500.0, "usual": 50.0, "sparse": 0.5}
TOPICS = 40
PARTS = 20  # the stories of the state are made in as many parts, so that their messages are not held
Log = dict[bytes, bytes]


def without_formula() -> Policy:
    """The shipped policy, but no key is ever ready."""
    policy = load_policy()
    return replace(policy, baseline=replace(policy.baseline, warm_up_hours=1e9))


def document(number: int, at: float, topic: str, story: str, rng: random.Random) -> Classified:
    """One message of `classified`; a fifth are negative, from 30 sources."""
    return Classified(
        id=str(number),
        key=f"news/topic:{topic}",
        stream="news",
        topic=topic,
        topic_probability=0.9,
        sentiment="negative" if rng.random() < 0.2 else "neutral",
        sentiment_probability=rng.random(),
        event_time=utc(round(at, 3)),
        published_at=utc(round(at, 3)),
        source=f"outlet {rng.randrange(30)}",
        text=f"A headline of usual length about something that happened, number {number}",
        story=story,
        origin=Origin("bearwatch.news", 0, number),
        model=MODEL,
    )


def documents(
    count: int, per_second: float, copies: float, first: int = 0, seed: int = 1
) -> list[Classified]:
    """`count` documents from the `first` on; a copy repeats one of the 400 before it."""
    rng = random.Random(seed)
    made: list[Classified] = []
    for number in range(first, first + count):
        original = rng.choice(made[-400:]) if made and rng.random() < copies else None
        topic = original.topic if original else f"Topic {min(rng.randrange(TOPICS), rng.randrange(TOPICS))}"
        story = original.story if original else f"{rng.getrandbits(64):016x}"
        made.append(document(number, START + number / per_second, topic, story, rng))
    return made


def apply(aggregator: Aggregator, messages: list[Classified], log: Log) -> None:
    """In batches, each with a tick behind it; `log` holds what compaction would leave of the records."""
    for begin in range(0, len(messages), BATCH):
        batch = messages[begin : begin + BATCH]
        now = batch[-1].event_time.timestamp()
        for message in batch:
            aggregator.apply(message, now)
        commit(aggregator, Tick(source=SOURCE, offset=0, event_time=now), now, log)


def commit(aggregator: Aggregator, tick: Tick, now: float, log: Log) -> None:
    aggregator.apply(tick, now)
    for key, value in aggregator.take_changes().records.items():
        if value is None:
            log.pop(key, None)
        else:
            log[key] = value


def speed(count: int, per_second: float) -> float:
    """Documents a second of CPU."""
    messages = documents(count, per_second, copies=0.2)
    aggregator = Aggregator(without_formula(), MODEL, [SOURCE])
    gc.collect()
    started = time.process_time()
    apply(aggregator, messages, {})
    return count / (time.process_time() - started)


def archived(policy: Policy, stories: int) -> Log:
    """The `state` topic with so many stories, all behind the longest window and none forgotten."""
    longest = max(policy.windows.lengths_seconds)
    span = policy.time.story_memory_seconds - longest - 3600
    aggregator, log = Aggregator(policy, MODEL, [SOURCE]), Log()
    for part in range(PARTS):
        size = stories // PARTS
        apply(aggregator, documents(size, stories / span, 0.0, first=part * size, seed=part), log)
    end = START + span + longest + 120
    commit(aggregator, Tick(source=SOURCE, offset=0, event_time=end), end, log)
    return log


def restored(policy: Policy, records: Iterable[tuple[bytes, bytes]]) -> Aggregator:
    state = PartitionState()
    for key, value in records:
        load(state, key, value)
    return Aggregator(policy, MODEL, [SOURCE], state)


def recent(policy: Policy, per_second: float) -> Log:
    """The `state` topic with so many stories a second, all inside the longest window, which they fill."""
    aggregator, log = Aggregator(policy, MODEL, [SOURCE]), Log()
    size = int(max(policy.windows.lengths_seconds) * per_second) // PARTS
    for part in range(PARTS):
        apply(aggregator, documents(size, per_second, 0.0, first=part * size, seed=part), log)
    return log


def bytes_a_story(policy: Policy, log: Log) -> tuple[float, float]:
    """Once the state is restored, and at most while it is, when the records that were read are held too."""
    gc.collect()
    tracemalloc.start()
    read = {
        bytes(bytearray(key)): (2**40 + n, bytes(bytearray(value)))
        for n, (key, value) in enumerate(log.items())
    }
    aggregator = restored(policy, ((key, value) for key, (_, value) in read.items()))
    del read
    gc.collect()
    held, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return held / aggregator.stories, most / aggregator.stories


async def recovery(policy: Policy, log: Log) -> tuple[float, float]:
    """Seconds of CPU to restore the state on a thread, and the longest stop of the event loop meanwhile."""
    longest = 0.0
    started = time.process_time()
    restoring = asyncio.create_task(asyncio.to_thread(restored, policy, log.items()))
    before = time.monotonic()
    while not restoring.done():
        await asyncio.sleep(0.001)
        now = time.monotonic()
        longest, before = max(longest, now - before - 0.001), now
    await restoring
    return time.process_time() - started, longest


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--documents", type=int, default=40_000)
    parser.add_argument("--stories", type=int, default=200_000)
    arguments = parser.parse_args()
    for name, per_second in RATES.items():
        best = max(speed(arguments.documents, per_second) for _ in range(3))
        print(f"{name}, {per_second:g} documents a second: {best:,.0f} a second of CPU", flush=True)
    policy = without_formula()
    for per_second in (1.0, 10.0):
        held, _ = bytes_a_story(policy, recent(policy, per_second))
        print(
            f"inside the longest window, {per_second:g} stories a second: {held:.0f} bytes a story",
            flush=True,
        )
    log = archived(policy, arguments.stories)
    held, most = bytes_a_story(policy, log)
    size = sum(len(key) + len(value) for key, value in log.items())
    print(
        f"state of {arguments.stories:,} stories: {held:.0f} bytes a story in memory, at most {most:.0f} while it is "
        f"restored, {size / arguments.stories:.0f} in `state`",
        flush=True,
    )
    seconds, longest = asyncio.run(recovery(policy, log))
    print(
        f"restored in {seconds:.2f} s of CPU; the event loop stood still for {longest * 1000:.0f} ms at most"
    )


if __name__ == "__main__":
    main()
