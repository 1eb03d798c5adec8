"""The pure core of aggregate: documents a second on one core, and bytes a story beyond the longest window.

    python -m benchmarks.core [--documents 40000] [--stories 200000]

No Kafka, no model: ready messages go through panes, timers, the alert state machine and the records of `state`, in
batches as a worker cuts them, each with a tick and its records encoded. The score's formula is left out: no key
passes its warm-up. Two streams of 40 keys: *dense*, 50 documents a second, and *sparse*, one each two seconds.
"""

import argparse
import gc
import random
import time
import tracemalloc
from dataclasses import replace

from alerting.detection.policy import Policy, load_policy
from bearwatch.core.times import utc
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.state import PartitionState, load
from stream.messages import Classified, Origin, Tick

START = 1_764_072_000  # 2025-11-25 12:00 UTC
HOUR = 3600
BATCH = 250
SOURCE = "bearwatch.news-0"
STREAMS = {"dense": 50.0, "sparse": 0.5}  # documents a second of event time


def without_formula() -> Policy:
    policy = load_policy()
    return replace(policy, baseline=replace(policy.baseline, warm_up_hours=1e9))


def documents(count: int, per_second: float, seed: int, copies: float = 0.2) -> list[Classified]:
    rng = random.Random(seed)
    made: list[Classified] = []
    for number in range(count):
        at = START + number / per_second
        recent = made[-1 - rng.randrange(min(len(made), 400))] if made and rng.random() < copies else None
        topic = recent.topic if recent else f"Topic {min(rng.randrange(40), rng.randrange(40))}"
        negative = rng.random() < 0.2
        made.append(
            Classified(
                id=str(number),
                key=f"news/topic:{topic}",
                stream="news",
                topic=topic,
                topic_probability=0.9,
                sentiment="negative" if negative else "neutral",
                sentiment_probability=rng.random(),
                event_time=utc(round(at, 3)),
                published_at=utc(round(at, 3)),
                source=f"outlet {rng.randrange(30)}",
                text=f"A headline of usual length about something that happened, number {number}",
                story=recent.story if recent else f"{rng.getrandbits(64):016x}",
                origin=Origin("bearwatch.news", 0, number),
                model="0123456789abcdef",
            )
        )
    return made


def apply(aggregator: Aggregator, messages: list[Classified], log: dict[bytes, bytes | None]) -> None:
    for first in range(0, len(messages), BATCH):
        batch = messages[first : first + BATCH]
        now = batch[-1].event_time.timestamp()
        for message in batch:
            aggregator.apply(message, now)
        aggregator.apply(Tick(source=SOURCE, offset=0, event_time=now), now)
        log.update(aggregator.take_changes().records)


def speed(count: int, per_second: float) -> float:
    messages = documents(count, per_second, seed=1)
    aggregator = Aggregator(without_formula(), "0123456789abcdef", [SOURCE])
    gc.collect()
    started = time.process_time()
    apply(aggregator, messages, {})
    return count / (time.process_time() - started)


def memory(stories: int) -> tuple[float, float]:
    """Bytes a story once it is beyond the longest window, and CPU seconds to restore all of them."""
    policy = without_formula()
    aggregator = Aggregator(policy, "0123456789abcdef", [SOURCE])
    log: dict[bytes, bytes | None] = {}
    span = policy.time.story_memory_seconds - max(policy.windows.lengths_seconds) - HOUR
    tracemalloc.start()
    apply(aggregator, documents(1000, 10.0, seed=2), log)
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    for part in range(20):  # so that the messages themselves do not count
        messages = documents(stories // 20, stories / span, seed=3 + part, copies=0.0)
        later = [
            replace_time(each, part * span / 20 + HOUR, part * stories // 20 + 1000) for each in messages
        ]
        apply(aggregator, later, log)
    end = START + span + HOUR + max(policy.windows.lengths_seconds) + 120
    aggregator.apply(Tick(source=SOURCE, offset=0, event_time=end), end)
    log.update(aggregator.take_changes().records)
    del messages, later
    log_bytes = sum(len(key) + len(value or b"") for key, value in log.items())
    gc.collect()
    tracemalloc.stop()
    tracemalloc.start()
    kept = {key: value for key, value in log.items() if value is not None}
    del aggregator
    gc.collect()
    before = tracemalloc.get_traced_memory()[0]
    state = PartitionState()
    for key, value in kept.items():
        load(state, key, value)
    restored = Aggregator(policy, "0123456789abcdef", [SOURCE], state)
    del state
    gc.collect()
    held = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    print(f"log {log_bytes / stories:.0f} bytes a story")
    del restored
    gc.collect()
    started = time.process_time()
    state = PartitionState()
    for key, value in kept.items():
        load(state, key, value)
    Aggregator(policy, "0123456789abcdef", [SOURCE], state)
    return held / stories, time.process_time() - started


def replace_time(message: Classified, shift: float, offset: int) -> Classified:
    from msgspec.structs import replace as replaced

    at = utc(message.event_time.timestamp() + shift)
    origin = Origin("bearwatch.news", 0, message.origin.offset + offset)
    return replaced(message, event_time=at, published_at=at, origin=origin)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--documents", type=int, default=40_000)
    parser.add_argument("--stories", type=int, default=200_000)
    arguments = parser.parse_args()
    for name, per_second in STREAMS.items():
        count = arguments.documents if per_second > 1 else arguments.documents // 4
        print(f"{name}: {speed(count, per_second):,.0f} documents a second of CPU", flush=True)
    held, seconds = memory(arguments.stories)
    print(f"state: {held:.0f} bytes a story, {seconds:.2f} s of CPU to restore {arguments.stories:,}")


if __name__ == "__main__":
    main()
