"""Whatever the order, the cuts and the restarts: the same records, rates and alerts with the same ids."""

import random
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from messages import classified
from policies import MINUTE_POLICY
from state_contents import contents

from alerting.alerts import Alert
from alerting.detection.policy import Policy, load_policy
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.changes import Changes
from stream.aggregate.state import PartitionState, load
from stream.messages import Classified, Rate, Tick

START = 1_800_000_000 // 3600 * 3600
SOURCE = "news-0"
NOW = START + 86_400.0
Message = Classified | Tick


def policy(bucket_seconds: int) -> Policy:
    """Of minutes; the bucket that feeds the baseline is any of its windows."""
    whole = load_policy(MINUTE_POLICY)
    return replace(whole, baseline=replace(whole.baseline, bucket_seconds=bucket_seconds))


def stream(rng: random.Random, documents: int) -> list[Message]:
    """A sparse key with bursts, some of them negative or up to a minute late; a tick behind most documents."""
    messages: list[Message] = []
    time, newest, negative, late = float(START), float(START), 0.15, 0.0
    for number in range(documents):
        if number % 12 == 0:
            # Windows run empty: nothing but a late document changes them.
            time += rng.choice((60.0, 120.0, 400.0))
            negative, late = rng.choice((0.1, 0.1, 0.95)), rng.choice((0.0, 20.0, 50.0))
        time += rng.expovariate(1 / 2)
        at = max(float(START), round(time - late - rng.uniform(0, 10), 3))
        messages.append(
            classified(
                at, offset=number, negative=rng.random() < negative,
                story=f"s{rng.randrange(30)}" if rng.random() < 0.2 else None, source=f"w{rng.randrange(6)}",
            )
        )  # fmt: skip
        newest = max(newest, time)
        if rng.random() < 0.7:
            messages.append(Tick(source=SOURCE, offset=number + 1, event_time=newest))
    quiet = [Tick(source=SOURCE, offset=documents, event_time=newest + pause) for pause in range(0, 2400, 15)]
    return [*messages, *quiet]


class Log:
    """What a worker writes, as readers and the next worker find it."""

    def __init__(self) -> None:
        self.records: dict[bytes, bytes] = {}
        self.rates: list[Rate] = []
        self.alerts: list[Alert] = []

    def commit(self, changes: Changes) -> None:
        for key, value in changes.records.items():
            if value is None:
                self.records.pop(key, None)
            else:
                self.records[key] = value
        self.rates += changes.rates
        self.alerts += changes.alerts

    def state(self) -> PartitionState:
        state = PartitionState()
        for key, value in self.records.items():
            load(state, key, value)
        return state


def run(messages: list[Message], chosen: Policy, cuts: list[int], restart: bool) -> Log:
    aggregator, log = Aggregator(chosen, "test", [SOURCE]), Log()
    for begin, end in zip([0, *cuts], [*cuts, len(messages)], strict=True):
        for message in messages[begin:end]:
            aggregator.apply(message, NOW)
        log.commit(aggregator.take_changes())
        if restart:
            aggregator = Aggregator(chosen, "test", [SOURCE], log.state())
    return log


def assert_same(one: Log, other: Log) -> None:
    assert [(a.id, a.state, a.window_end) for a in one.alerts] == [
        (a.id, a.state, a.window_end) for a in other.alerts
    ]
    assert one.alerts == other.alerts
    assert one.rates == other.rates
    assert contents(one.state()) == contents(other.state())


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.sampled_from([60, 180, 360]), st.integers(1, 200), st.data())
def test_restarts_at_any_commit_change_nothing(seed: int, bucket_seconds: int, documents: int, data):
    messages = stream(random.Random(seed), documents)
    cuts = data.draw(st.lists(st.integers(0, len(messages)), max_size=20).map(sorted))
    chosen = policy(bucket_seconds)
    assert_same(run(messages, chosen, cuts, restart=True), run(messages, chosen, [], restart=False))


@pytest.mark.parametrize("seed", range(6))
def test_a_restart_at_every_commit_changes_nothing(seed: int):
    messages = stream(random.Random(seed), 400)
    whole = run(messages, policy(60), [], restart=False)
    pieces = run(messages, policy(60), list(range(1, len(messages))), restart=True)
    assert_same(pieces, whole)


@pytest.mark.parametrize("seed", range(4))
def test_panes_that_take_documents_for_longer_than_any_window(seed: int):
    """Their minutes are remembered until the end of a pane, not of a second: a key read back is asked at pane ends."""
    minutes = policy(60)
    chosen = replace(
        minutes,
        windows=replace(minutes.windows, lengths_seconds=(60,), evaluate_every_seconds=60),
        time=replace(minutes.time, allowed_lateness_seconds=1000, story_memory_seconds=60),
    )
    messages = stream(random.Random(seed), 200)
    whole = run(messages, chosen, [], restart=False)
    assert_same(run(messages, chosen, list(range(0, len(messages), 5)), restart=True), whole)


def test_the_streams_of_these_tests_fire():
    fired = [run(stream(random.Random(seed), 400), policy(60), [], restart=False).alerts for seed in range(6)]
    assert sum(alert.state == "firing" for alerts in fired for alert in alerts) >= 6


def late_surge() -> tuple[list[Message], int]:
    """Calm, ten minutes of silence, then ten negative documents whose pane was evaluated before they came."""
    messages: list[Message] = []
    for number in range(120):
        time = START + number * 10
        messages.append(classified(time, offset=number, story=f"calm {number}", source=f"w{number % 5}"))
        messages.append(Tick(source=SOURCE, offset=number + 1, event_time=float(time)))
    silent = time + 600
    messages += [Tick(source=SOURCE, offset=120, event_time=float(at)) for at in range(time, silent, 15)]
    messages += [
        classified(silent - 40, offset=number, negative=True, source=f"w{number % 5}")
        for number in range(120, 130)
    ]
    after = [Tick(source=SOURCE, offset=130, event_time=float(silent + step)) for step in range(5, 120, 5)]
    return [*messages, *after], len(messages)


def test_a_late_document_and_a_restart_leave_the_alert_its_id():
    """The detectors of a key read back had not seen the late document, and were not asked about it in time."""
    messages, cut = late_surge()
    alerts = run(messages, policy(60), [], restart=False).alerts
    assert [alert.state for alert in alerts][:1] == ["firing"], "no alert fired: nothing was shown"
    assert run(messages, policy(60), [cut], restart=True).alerts == alerts
