"""From the deciding story to the webhook, under the shipped policy, rules and intervals: each stage's share.

python -m benchmarks.notification [--surges 12] [--per-minute 12] [--seed 1]

Starts what `make stack` starts, gives it four days of the sample feed without its surges, then lets bad news about
`surges` topics begin at random moments of four minutes, a negative story every 60 / per-minute s on average, each
surge until its notification has come or ten minutes have passed. The deciding story of an alert is the last one
without which it would not have fired when it did: found afterwards by counting again without it. Times are those of
the machine: Kafka's time stamp of the story, `detected_at` of the alert, `starts_at` (Prometheus's evaluation) and
`received_at` of the notification; the second evaluation and the lateness are the policy's own. Takes 15 minutes.
"""

import argparse
import random
import statistics
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path

import msgspec

from alerting.alerts import Alert
from alerting.detection.policy import Policy, load_policy
from alerting.notify.notices import Receipt
from bearwatch.local.ports import free_port
from bearwatch.local.stack import Stack, stack
from bearwatch.local.stack_configuration import Ports
from bearwatch.local.up import LOCAL_KAFKA
from bearwatch.sample import HISTORY_SECONDS, SampleDocument, SampleWorld, documents
from bearwatch.sample.live import to_message
from benchmarks.committed import records
from models.classifier import Classifier
from stream.aggregate.aggregator import Aggregator
from stream.ingest.producer import DocumentProducer
from stream.kafka.topics import TopicNames
from stream.messages import TICK_KEY, Classified, Tick, encode
from stream.settings import WorkerSettings

DAY = 86_400.0
TEXTS_DAYS = 30  # of the sample feed, from which a surge's texts are drawn
SPREAD_SECONDS = 240.0
SURGE_SECONDS = 600.0
CATCH_UP_SECONDS = 300.0
ENOUGH_TEXTS = 40  # a surge that needs more is none
OTHERS_EVERY_SECONDS = 3.0  # between two stories that are not negative; the sample feed's are farther apart
STEP_SECONDS = 0.05


@dataclass(frozen=True)
class Stages:
    """Seconds, one after the other; their sum is the whole way."""

    end_of_pane: float
    second_evaluation: float
    lateness: float
    classify_and_watermark: float
    scrape_and_rule: float
    group_and_deliver: float

    @property
    def total(self) -> float:
        return sum(getattr(self, each.name) for each in fields(self))


class News:
    """What is published: unused texts that the model reads as meant."""

    def __init__(self, now: float, rng: random.Random) -> None:
        world = SampleWorld(7, now + TEXTS_DAYS * DAY)  # texts of another time than the history's
        found = list(
            {d.text: d for d in documents(world, now, now + TEXTS_DAYS * DAY) if d.stream == "news"}.values()
        )
        rng.shuffle(found)
        labels = Classifier.load().classify([each.text for each in found])
        self.negative: dict[str, list[SampleDocument]] = defaultdict(list)
        self.not_negative: list[SampleDocument] = []
        for each, scores in zip(found, labels, strict=True):
            if scores.predictions["sentiment"].label != "negative":
                self.not_negative.append(each)
            elif scores.predictions["topic"].label == each.intended_topic:
                self.negative[each.intended_topic].append(each)

    def topics(self, count: int) -> list[str]:
        """Those whose news are rarely bad: where half of it usually is, no ratio is twice the usual one."""
        others = Counter(each.intended_topic for each in self.not_negative)
        enough = [topic for topic, texts in self.negative.items() if len(texts) >= ENOUGH_TEXTS]
        return sorted(enough, key=lambda topic: len(self.negative[topic]) / (others[topic] + 1))[:count]


def history(now: float) -> Iterator[SampleDocument]:
    """Four days before `now` in a world whose desk opens later, so that no surge falls into them."""
    world = SampleWorld(7, now + HISTORY_SECONDS)
    return (each for each in documents(world, now - HISTORY_SECONDS, now) if "surge" not in each.id)


def publish(
    producer: DocumentProducer,
    running: Stack,
    news: News,
    topics: Sequence[str],
    per_minute: float,
    rng: random.Random,
) -> None:
    """Stories that are not negative all the time, and each topic's surge until its notification has come."""
    start = time.time()
    begins = {topic: start + rng.uniform(0, SPREAD_SECONDS) for topic in topics}
    due, other_due = dict(begins), start
    while due and time.time() < start + SPREAD_SECONDS + SURGE_SECONDS:
        running.check()
        now = time.time()
        notified = {each.labels.get("topic") for each in receipts(running.notifications)}
        due = {
            topic: at
            for topic, at in due.items()
            if topic not in notified and now < begins[topic] + SURGE_SECONDS
        }
        for topic in [topic for topic, at in due.items() if at <= now and news.negative[topic]]:
            _send(producer, news.negative[topic].pop(), now)
            due[topic] = now + rng.expovariate(per_minute / 60)
        if other_due <= now:
            _send(producer, news.not_negative.pop(), now)
            other_due = now + rng.expovariate(1 / OTHERS_EVERY_SECONDS)
        producer.flush()
        time.sleep(STEP_SECONDS)


def _send(producer: DocumentProducer, document: SampleDocument, now: float) -> None:
    live = replace(document, published_at=now, id=f"live-{document.id}")
    producer.send(live.stream, encode(to_message(live)), live.id, int(now * 1000))


def receipts(file: Path) -> list[Receipt]:
    """Surges that the receiver was notified of."""
    lines = file.read_bytes().splitlines() if file.exists() else []
    found = [msgspec.json.decode(line, type=Receipt) for line in lines]
    return [each for each in found if each.labels["alertname"] == "Surge" and each.status == "firing"]


def deciding_story(messages: Sequence[Classified], alert: Alert, policy: Policy) -> Classified:
    """The last message of the alert's key without which the alert would not be what it is.

    Raises ValueError where counting again does not give the alert.
    """
    first_abnormal = alert.window_end.timestamp() - policy.windows.evaluate_every_seconds
    before = [each for each in messages if each.event_time.timestamp() < first_abnormal]
    if alert.id not in _fired(before, alert, policy):
        raise ValueError(f"alert {alert.id} about {alert.key} does not come out of counting again")
    count = len(before)
    while count > 1 and alert.id in _fired(before[: count - 1], alert, policy):
        count -= 1
    return before[count - 1]


def _fired(messages: Sequence[Classified], alert: Alert, policy: Policy) -> set[str]:
    aggregator = Aggregator(policy, alert.model, ["all"])
    end = alert.window_end.timestamp()
    for message in messages:
        aggregator.apply(message, end)
        aggregator.apply(Tick(source="all", offset=0, event_time=message.event_time.timestamp()), end)
    later = end + policy.time.max_out_of_orderness_seconds
    aggregator.apply(Tick(source="all", offset=0, event_time=later), end)
    return {each.id for each in aggregator.take_changes().alerts if each.state == "firing"}


def stages(story: Classified, alert: Alert, receipt: Receipt, policy: Policy) -> Stages:
    every, lateness = policy.windows.evaluate_every_seconds, policy.time.max_out_of_orderness_seconds
    end, detected = alert.window_end.timestamp(), alert.detected_at.timestamp()
    starts, received = receipt.starts_at.timestamp(), receipt.received_at.timestamp()
    return Stages(
        end_of_pane=end - every - story.event_time.timestamp(),
        second_evaluation=every,
        lateness=lateness,
        classify_and_watermark=detected - end - lateness,
        scrape_and_rule=starts - detected,
        group_and_deliver=received - starts,
    )


def measure(running: Stack, policy: Policy, since: float) -> dict[str, Stages]:
    """Topic -> the way of its surge."""
    names = TopicNames()
    by_key: dict[str, list[Classified]] = defaultdict(list)
    for record in records(running.connection, names.classified):
        if record.key != TICK_KEY:
            message = msgspec.json.decode(record.value, type=Classified)
            by_key[message.key].append(message)
    notified = {each.labels["topic"]: each for each in reversed(receipts(running.notifications))}
    found = {}
    for record in records(running.connection, names.alerts):
        alert = msgspec.json.decode(record.value, type=Alert)
        if alert.state == "firing" and alert.window_end.timestamp() > since and alert.topic in notified:
            messages = sorted(by_key[alert.key], key=lambda each: each.event_time)
            story = deciding_story(messages, alert, policy)
            found[alert.topic] = stages(story, alert, notified[alert.topic], policy)
    return found


def wait_until_read(producer: DocumentProducer, running: Stack) -> None:
    """Until the whole history is classified."""
    deadline = time.monotonic() + CATCH_UP_SECONDS
    while (
        sum(each.key != TICK_KEY for each in records(running.connection, TopicNames().classified))
        < producer.sent
    ):
        if time.monotonic() > deadline:
            sys.exit(f"the history is not read within {CATCH_UP_SECONDS:.0f} s")
        running.check()
        time.sleep(5)
    time.sleep(30)  # the first scrapes and evaluations; the watermark reaches the present


def print_table(found: dict[str, Stages], asked: int) -> None:
    names = [each.name for each in fields(Stages)]
    print(f"{'topic':28}" + "".join(f"{name.replace('_', ' '):>24}" for name in names) + f"{'total':>8}")
    for topic, way in sorted(found.items()):
        print(f"{topic:28}" + "".join(f"{getattr(way, name):24.1f}" for name in names) + f"{way.total:8.1f}")
    medians = [statistics.median(getattr(way, name) for way in found.values()) for name in names]
    totals = [way.total for way in found.values()]
    print(
        f"{'median':28}" + "".join(f"{each:24.1f}" for each in medians) + f"{statistics.median(totals):8.1f}"
    )
    print(f"{len(found)} of {asked} surges were notified; at the most {max(totals):.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--surges", type=int, default=12)
    parser.add_argument("--per-minute", type=float, default=12.0)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    policy, now = load_policy(), time.time()
    news = News(now, rng)
    topics = news.topics(options.surges)
    folder = Path(tempfile.mkdtemp(prefix="bearwatch-notification-"))
    ports = Ports(**{each.name: free_port() for each in fields(Ports)})
    with (
        stack(folder, WorkerSettings(LOCAL_KAFKA), ports, feed=None) as running,
        DocumentProducer(running.connection, TopicNames()) as producer,
    ):
        for each in history(now):
            producer.send(each.stream, encode(to_message(each)), each.id, int(each.published_at * 1000))
        producer.flush()
        print(f"{producer.sent} documents of history; logs in {folder}", flush=True)
        wait_until_read(producer, running)
        since = time.time()
        publish(producer, running, news, topics, options.per_minute, rng)
        found = measure(running, policy, since)
    if not found:
        sys.exit(f"no surge was notified; logs in {folder}")
    print_table(found, len(topics))


if __name__ == "__main__":
    main()
