"""The aggregator of one partition: the same messages give the same outcome, cut and interrupted anywhere."""

import random
from dataclasses import replace
from pathlib import Path

import pytest
from messages import classified
from policies import MINUTE_POLICY
from state_contents import contents

from alerting.alerts import build_alert
from alerting.detection.policy import Policy, load_policy
from stream.aggregate.aggregator import Aggregator
from stream.aggregate.changes import Changes
from stream.aggregate.state import PartitionState, load
from stream.messages import Classified, Tick

POLICY = load_policy(MINUTE_POLICY)
SOURCES = ("news-0", "news-1")
MINUTES, SURGE = 60, range(45, 50)
START = 1_800_000_000 // 3600 * 3600


def history(seed: int) -> list[Classified | Tick]:
    """An hour of two source partitions read at different speeds: a fifth negative, and five minutes of surge."""
    rng = random.Random(seed)
    messages: list[list[Classified | Tick]] = [[], []]
    for partition in (0, 1):
        offset = 0
        for minute in range(MINUTES):
            for second in sorted(rng.uniform(0, 60) for _ in range(6)):
                time = START + minute * 60 + second
                negative = rng.random() < (0.9 if minute in SURGE else 0.2)
                story = f"s{rng.randrange(400)}" if rng.random() < 0.2 else None
                source, topic = f"w{rng.randrange(5)}", "Financials" if rng.random() < 0.8 else "Macro"
                messages[partition].append(
                    classified(
                        time, offset=offset, partition=partition, negative=negative,
                        story=story, source=source, topic=topic,
                    )
                )  # fmt: skip
                offset += 1
                tick = Tick(source=SOURCES[partition], offset=offset, event_time=time)
                messages[partition].append(tick)
    merged: list[Classified | Tick] = []
    while messages[0] or messages[1]:
        queue = messages[0] if not messages[1] or (messages[0] and rng.random() < 0.7) else messages[1]
        merged += [queue.pop(0) for _ in range(min(len(queue), rng.randint(1, 9)))]
    return merged


def run(messages: list[Classified | Tick], cuts: list[int], restart: bool) -> tuple[dict, list, list]:
    """Apply in batches that end at `cuts`; after each the state may be read back into a new aggregator."""
    aggregator = Aggregator(POLICY, "worker", SOURCES)
    log: dict[bytes, bytes] = {}
    rates, alerts = [], []
    for begin, end in zip([0, *cuts], [*cuts, len(messages)], strict=True):
        for message in messages[begin:end]:
            aggregator.apply(message, now=START + 7200.0)
        keep(aggregator.take_changes(), log, rates, alerts)
        if restart:
            aggregator = Aggregator(POLICY, "worker", SOURCES, read(log))
    return log, rates, alerts


def read(log: dict[bytes, bytes]) -> PartitionState:
    state = PartitionState()
    for key, value in log.items():
        load(state, key, value)
    return state


def keep(changes: Changes, log: dict[bytes, bytes], rates: list, alerts: list) -> None:
    for key, value in changes.records.items():
        if value is None:
            log.pop(key, None)
        else:
            log[key] = value
    rates += changes.rates
    alerts += changes.alerts


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("restart", [False, True])
def test_cuts_and_restarts_make_no_difference(seed: int, restart: bool):
    messages = history(seed)
    whole = run(messages, [], restart=False)
    rng = random.Random(seed)
    pieces = run(messages, sorted(rng.sample(range(len(messages)), 40)), restart)
    assert contents(read(pieces[0])) == contents(read(whole[0])), "records"
    assert pieces[1] == whole[1], "rates"
    assert pieces[2] == whole[2], "alerts"
    assert [alert.state for alert in whole[2]][:1] == ["firing"], "the surge must ring, or nothing was shown"


def test_the_surge_fires_in_time_and_resolves():
    _, _, alerts = run(history(1), [], restart=False)
    of_key = [alert for alert in alerts if alert.topic == "Financials"]
    assert [alert.state for alert in of_key if alert.state != "updated"] == ["firing", "resolved"]
    fired, resolved = of_key[0], of_key[-1]
    assert 45 * 60 < fired.window_end.timestamp() - START < 48 * 60
    assert resolved.window_end.timestamp() - START > 50 * 60
    assert fired.id == resolved.id
    assert fired.evidence and fired.negative_stories >= len(fired.evidence)
    assert fired.model == "worker"
    assert {story.model for story in fired.evidence} == {"test"}, "that of the documents"


def test_repeated_messages_change_nothing():
    """A batch that was sent, not acknowledged, and sent again by another worker."""
    messages = history(2)
    again = messages[:500] + messages[300:500] + messages[500:]
    log, rates, alerts = run(again, [], restart=False)
    expected = run(messages, [], restart=False)
    assert (rates, alerts) == expected[1:]
    assert contents(read(log))["minutes"] == contents(read(expected[0]))["minutes"]


def test_what_is_not_counted_again_is_reported():
    """It may also be of a topic that was recreated, whose offsets begin anew: then it is lost."""
    aggregator = Aggregator(POLICY, "worker", ["news-0"])
    first = [classified(START + number, offset=number) for number in range(3)]
    assert feed(aggregator, *first).repeated == []
    assert feed(aggregator, *first[1:], classified(START + 3, offset=3)).repeated == first[1:]


def feed(aggregator: Aggregator, *messages: Classified | Tick, now: float = START + 7200.0) -> Changes:
    for message in messages:
        aggregator.apply(message, now)
    return aggregator.take_changes()


def tick(time: float, source: str = "news-0") -> Tick:
    return Tick(source=source, offset=0, event_time=time)


def test_rates_come_at_full_minutes_for_windows_that_changed():
    aggregator = Aggregator(POLICY, "test", ["news-0"])
    changes = feed(aggregator, classified(START + 20), tick(START + 59))
    assert changes.rates == []
    changes = feed(aggregator, tick(START + 66))
    assert [(rate.window_seconds, rate.documents) for rate in changes.rates] == [(60, 1), (180, 1), (360, 1)]
    assert {rate.window_end.timestamp() for rate in changes.rates} == {START + 60}
    changes = feed(aggregator, tick(START + 126))
    assert [(rate.window_seconds, rate.documents) for rate in changes.rates] == [(60, 0)]
    assert changes.rates[0].negative_ratio is None


def test_a_late_document_counts_until_its_pane_closes_and_is_reported_after():
    aggregator = Aggregator(POLICY, "test", ["news-0"])
    feed(aggregator, classified(START + 1), tick(START + 70))
    changes = feed(aggregator, classified(START + 31), tick(START + 126))
    assert changes.late == []
    assert [rate.documents for rate in changes.rates if rate.window_seconds == 180] == [2]
    late = classified(START + 31)
    changes = feed(aggregator, late, tick(START + 200))
    assert changes.late == [late], "its pane closed 60 s after the watermark passed it"
    assert [rate.documents for rate in changes.rates if rate.window_seconds == 360] == []


def test_an_alert_from_a_back_fill_is_historical_and_pages_if_it_still_holds():
    messages = history(1)
    passed = {m.source: i for i, m in reversed(list(enumerate(messages))) if reaches(m, START + 48 * 60)}
    surge_end = max(passed.values()) + 1
    aggregator = Aggregator(POLICY, "test", SOURCES)
    fired = feed(aggregator, *messages[:surge_end], now=START + 48 * 60 + 3600.0).alerts
    assert [(alert.state, alert.historical) for alert in fired][:1] == [("firing", True)]
    updated = feed(aggregator, *messages[surge_end : surge_end + 60], now=START + 49 * 60.0).alerts
    assert [(alert.state, alert.historical) for alert in updated][:1] == [("updated", False)]
    assert updated[0].id == fired[0].id


def test_a_scrape_in_between_never_takes_a_historical_alert_for_a_live_one(monkeypatch: pytest.MonkeyPatch):
    aggregator, scraped = Aggregator(POLICY, "test", SOURCES), []

    def scrape_meanwhile(*arguments, **named):
        scraped.extend(aggregator.decisions())
        return build_alert(*arguments, **named)

    monkeypatch.setattr("stream.aggregate.key_state.build_alert", scrape_meanwhile)
    assert feed(aggregator, *history(1), now=START + 10 * 3600.0).alerts[0].historical
    firing = [each for each in (*scraped, *aggregator.decisions()) if each.decision.firing]
    assert firing and all(each.historical for each in firing)


def reaches(message: Classified | Tick, time: float) -> bool:
    return isinstance(message, Tick) and message.event_time is not None and message.event_time > time


def test_old_minutes_are_removed_from_the_log():
    aggregator = Aggregator(POLICY, "test", ["news-0"])
    minute = f'["minute","news/topic:Financials",{START // 60}]'.encode()
    assert feed(aggregator, classified(START + 1), tick(START + 60)).records[minute] is not None
    assert feed(aggregator, tick(START + 1800 + 66)).records[minute] is None


def of_panes(seconds: int) -> Policy:
    return replace(POLICY, windows=replace(POLICY.windows, evaluate_every_seconds=seconds))


@pytest.mark.parametrize(("before", "after"), [(15, 60), (15, 20), (20, 15), (60, 15)])
def test_state_goes_on_under_a_policy_with_other_panes(before: int, after: int):
    """A story that stood in two panes of a minute was forgotten twice when they became one, and ended the worker."""
    log: dict[bytes, bytes] = {}
    aggregator = Aggregator(of_panes(before), "test", ["news-0"])
    told = [
        classified(START + second, story="told often", negative=second < 5, offset=second)
        for second in range(4, 64, 6)
    ]
    keep(feed(aggregator, *told, tick(START + 66)), log, [], [])
    aggregator = Aggregator(of_panes(after), "test", ["news-0"], read(log))
    changes = feed(aggregator, classified(START + 70, story="told often", offset=100), tick(START + 126))
    last = next(rate for rate in changes.rates if rate.window_seconds == 180)
    assert (last.documents, last.negative_documents, last.stories, last.negative_stories) == (11, 1, 1, 1)
    assert last.window_end.timestamp() == START + 120
    keep(feed(aggregator, tick(START + 1800 + 200)), log, [], [])
    assert not aggregator.stories
    assert contents(read(log))["minutes"] == {}


@pytest.mark.parametrize("lengths", [[60, 360], [60, 180, 360, 720], [60, 120, 360]])
def test_state_continues_under_a_policy_with_other_windows(lengths: list[int], tmp_path: Path):
    log, _, _ = run(history(1)[:600], [], restart=False)
    text = MINUTE_POLICY.read_text()
    other = tmp_path / "other.toml"
    other.write_text(
        text.replace("[60, 180, 360]", str(lengths)).replace("lag_seconds = 360", "lag_seconds = 720")
    )
    aggregator = Aggregator(load_policy(other), "test", SOURCES, read(log))
    later = START + 3600
    changes = feed(aggregator, *(tick(later, source) for source in SOURCES))
    assert {rate.window_seconds for rate in changes.rates} <= set(lengths)
    assert changes.rates
