"""The detector of surges on seeded streams of stories, with the exact pane at which each thing happens."""

import random
from collections.abc import Iterable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alerting.detection.alert_state import AlertState
from alerting.detection.baseline import Baseline, Bucket, Moments, estimate, fed
from alerting.detection.policy import Policy, load_policy
from alerting.detection.surge import SurgeDetector, SurgeState
from alerting.detector import Decision, Level, WindowCounts
from bearwatch.core.key import Key

POLICY_TEXT = """
policy_version = 2
[windows]
lengths_seconds = [60, 180, 600]
evaluate_every_seconds = 15
[surge]
p_value = 1e-4
clear_p_value = 0.01
clear_evaluations = 4
cool_down_seconds = 60
critical_p_value = 1e-8
[baseline]
half_life_hours = 1
bucket_seconds = 60
lag_seconds = 600
warm_up_stories = 30
warm_up_hours = 0.25
max_freeze_hours = 0.5
"""
MINUTE = 60
QUIET = 1800  # half an hour of history: 15 minutes of warm-up, and the lag

KEY = Key.parse("news/topic:Energy | Oil")

Story = tuple[float, bool]


@pytest.fixture(scope="module")
def policy(tmp_path_factory) -> Policy:
    path = tmp_path_factory.mktemp("policy") / "policy.toml"
    path.write_text(POLICY_TEXT, encoding="utf-8")
    return load_policy(path)


def usual(start: int, end: int) -> list[Story]:
    """A story every ten seconds, each fifth of them negative."""
    return [(time, time // 10 % 5 == 0) for time in range(start, end, 10)]


def surge(start: int, end: int, every: int = 3) -> list[Story]:
    return [(time, True) for time in range(start, end, every)]


def windows_at(stories: list[Story], time: int, policy: Policy) -> list[WindowCounts]:
    windows = []
    for length in policy.windows.lengths_seconds:
        inside = [(at, negative) for at, negative in stories if time - length <= at < time]
        n, k = len(inside), sum(negative for _, negative in inside)
        windows.append(WindowCounts(length, time, n, k, n, k, len({at % 7 for at, _ in inside})))
    return windows


def replay(
    stories: Iterable[Story], until: int, policy: Policy, skip: bool = False, reload: bool = False
) -> tuple[SurgeState, list[Decision]]:
    """Evaluate at each pane end; `skip` those without a change; `reload` the state from JSON between them."""
    ordered = sorted(stories)
    detector = SurgeDetector("surge", policy)
    state, decisions, previous, due = detector.initial(), [], None, None
    for time in range(15, until + 1, 15):
        windows = windows_at(ordered, time, policy)
        counts = [msgspec.structs.astuple(each)[3:] for each in windows]
        if skip and counts == previous and (due is None or time < due):
            continue
        previous = counts
        state, decision = detector.evaluate(state, KEY, windows, time)
        due = detector.next_evaluation(state, windows, time)
        decisions.append(decision)
        if reload:
            state = msgspec.json.decode(msgspec.json.encode(state), type=SurgeState)
    return state, decisions


def evaluate(state: SurgeState, windows: list[WindowCounts], time: float, policy: Policy):
    return SurgeDetector("surge", policy).evaluate(state, KEY, windows, time)


def transitions(decisions: Iterable[Decision]) -> list[tuple[float, str, str, int]]:
    return [
        (v.time, v.transition, v.alert.severity, v.alert.window_seconds) for v in decisions if v.transition
    ]


def test_quiet_stays_quiet(policy):
    state, decisions = replay(usual(0, 4 * QUIET), 4 * QUIET, policy)
    assert transitions(decisions) == []
    assert not state.alert.open
    assert decisions[-1].baseline_ratio == pytest.approx(0.2, abs=0.01)


def test_warm_up_is_stated_and_has_no_p_value(policy):
    _, decisions = replay([*usual(0, QUIET), *surge(300, 600)], QUIET, policy)
    ready = [v.time for v in decisions if v.ready]
    # 15 minutes, by then five of them (30 stories) have waited for the lag of ten
    assert ready[0] == 15 * MINUTE
    for decision in decisions:
        for score in decision.scores:
            assert (score.p_value is not None) == (score.score is not None) == decision.ready
            assert score.lift is not None
    assert transitions(v for v in decisions if v.time < 15 * MINUTE) == []


def test_an_empty_window_has_neither_score_nor_lift(policy):
    _, decisions = replay(usual(0, QUIET), QUIET + 75, policy)
    assert decisions[-1].scores[0][1:4] == (None, None, None)
    assert decisions[-1].scores[1].p_value is not None


def test_surge_fires_and_resolves_at_exact_panes(policy):
    stories = [*usual(0, QUIET + 1200), *surge(QUIET, QUIET + 120)]
    _, decisions = replay(stories, QUIET + 1200, policy)
    assert transitions(decisions) == [
        (QUIET + 60, "firing", "critical", 60),  # the second of two abnormal panes
        (QUIET + 210, "resolved", "critical", 60),  # the fourth pane at p ≥ 0.01
    ]


def test_one_abnormal_evaluation_is_not_enough(policy):
    stories = usual(0, QUIET + 600)
    once = [*stories, *surge(QUIET + 1, QUIET + 25, 2)]
    _, decisions = replay(once, QUIET + 30, policy)
    assert transitions(decisions) == []


def test_a_missed_pane_breaks_the_row(policy):
    stories = [*usual(0, QUIET + 600), *surge(QUIET, QUIET + 120)]
    state, _ = replay(stories, QUIET + 45, policy)
    assert state.alert.abnormal_evaluations == 1
    state, decision = evaluate(state, windows_at(stories, QUIET + 75, policy), QUIET + 75, policy)
    assert decision.transition is None
    state, decision = evaluate(state, windows_at(stories, QUIET + 90, policy), QUIET + 90, policy)
    assert decision.transition == "firing"


@pytest.mark.parametrize(
    "changed",
    [{"sources": 1}, {"negative_stories": 3}, {"stories": 4, "negative_stories": 4}, {"stories": 44}],
    ids=["one source", "few negatives", "few stories", "small lift"],
)
def test_each_minimum_holds_an_alert_back(policy, changed):
    state, _ = replay(usual(0, QUIET), QUIET, policy)
    enough = WindowCounts(60, 0, 0, 0, stories=22, negative_stories=15, sources=2)

    def fires(counts: WindowCounts) -> bool:
        after, _ = evaluate(state, [counts], QUIET + 15, policy)
        return evaluate(after, [counts], QUIET + 30, policy)[1].firing

    assert fires(enough)
    assert not fires(msgspec.structs.replace(enough, **changed))


def test_a_warning_escalates_under_the_same_alert(policy):
    stories = [*usual(0, QUIET + 1200), *surge(QUIET, QUIET + 200, 4)]
    _, decisions = replay(stories, QUIET + 1200, policy)
    assert transitions(decisions) == [
        (QUIET + 60, "firing", "warning", 60),
        (QUIET + 135, "updated", "critical", 60),
        (QUIET + 285, "resolved", "critical", 60),
    ]
    assert len({v.alert.since for v in decisions if v.alert}) == 1
    updated = next(v for v in decisions if v.transition == "updated")
    assert updated.decisive.p_value <= 1e-8


def test_clear_evaluations_must_come_in_a_row(policy):
    # Clear at QUIET + 165, 180 and 195, then a spike: the four clear panes begin again at QUIET + 270.
    clear_but_one = [*usual(0, QUIET + 1200), *surge(QUIET, QUIET + 120), *surge(QUIET + 192, QUIET + 205, 1)]
    _, decisions = replay(clear_but_one, QUIET + 600, policy)
    assert transitions(decisions)[1:] == [(QUIET + 315, "resolved", "critical", 60)]


def test_nothing_fires_while_cooling_down(policy):
    # The alert resolves at QUIET + 210; the second surge is abnormal at QUIET + 240, within the minute of cooling.
    stories = [*usual(0, QUIET + 1200), *surge(QUIET, QUIET + 120), *surge(QUIET + 212, QUIET + 330, 2)]
    _, decisions = replay(stories, QUIET + 600, policy)
    assert next(v for v in decisions if v.time == QUIET + 240).scores[0].p_value <= policy.surge.p_value
    assert transitions(decisions)[1:3] == [
        (QUIET + 210, "resolved", "critical", 60),
        (QUIET + 285, "firing", "critical", 60),
    ]


def test_a_longer_window_does_not_fire_for_a_surge_that_has_ended(policy):
    stories = [*usual(0, QUIET + 1200), *surge(QUIET, QUIET + 120)]
    _, decisions = replay(stories, QUIET + 1200, policy)
    after_cool_down = [v.scores[2] for v in decisions if QUIET + 270 < v.time < QUIET + 600]
    assert all(r.p_value <= policy.surge.p_value and r.lift >= policy.surge.min_lift for r in after_cool_down)
    assert [v.transition for v in decisions if v.transition] == ["firing", "resolved"]


def test_a_window_that_was_clear_is_armed_again(policy):
    state, _ = replay([*usual(0, QUIET + 1200), *surge(QUIET, QUIET + 120)], QUIET + 500, policy)
    assert state.alert.disarmed == (600,)
    state, _ = replay([*usual(0, QUIET + 1200), *surge(QUIET, QUIET + 120)], QUIET + 750, policy)
    assert state.alert == AlertState()


def test_what_was_seen_while_firing_does_not_become_usual(policy):
    quiet, _ = replay(usual(0, QUIET + 3600), QUIET + 3600, policy)
    disturbed, _ = replay([*usual(0, QUIET + 3600), *surge(QUIET, QUIET + 120)], QUIET + 3600, policy)
    ratios = [estimate(state.baseline, "news", policy.baseline).ratio for state in (quiet, disturbed)]
    assert ratios[0] == pytest.approx(ratios[1], abs=0.003)


def test_what_lasts_is_the_new_normal_and_the_decision_says_so(policy):
    worse = [(time, time // 10 % 5 > 0) for time in range(QUIET, 3 * QUIET + 1200, 10)]
    state, decisions = replay([*usual(0, QUIET), *worse], 3 * QUIET + 1200, policy)
    (fired, _), (resolved, reason) = [
        (v.time, v.reason) for v in decisions if v.transition in ("firing", "resolved")
    ]
    assert resolved == fired + 0.5 * 3600
    assert reason == "held for 0.5 h: what was seen since it fired is the new normal"
    assert decisions[-1].baseline_ratio > 0.7
    assert state.alert == AlertState()


def test_describe_reads_without_moving(policy):
    stories = [*usual(0, QUIET + 600), *surge(QUIET, QUIET + 120)]
    state, decisions = replay(stories, QUIET + 90, policy)
    described = SurgeDetector("surge", policy).describe(
        state, KEY, windows_at(stories, QUIET + 90, policy), QUIET + 90
    )
    assert described == decisions[-1]
    assert described.firing and described.decisive == described.scores[0]


@pytest.mark.parametrize("lengths", ["[30, 60, 600]", "[240, 600]"], ids=["next shorter", "none shorter"])
def test_an_alert_outlives_a_policy_without_its_window(policy, tmp_path, lengths):
    stories = [*usual(0, QUIET + 600), *surge(QUIET, QUIET + 200, 6)]
    state, decisions = replay(stories, QUIET + 150, policy)
    assert decisions[-1].alert.window_seconds == 180
    text = POLICY_TEXT.replace("[60, 180, 600]", lengths).replace(
        "bucket_seconds = 60", "bucket_seconds = 600"
    )
    (tmp_path / "new.toml").write_text(text, encoding="utf-8")
    new = load_policy(tmp_path / "new.toml")
    for time in range(QUIET + 165, QUIET + 465, 15):
        state, decision = evaluate(state, windows_at(stories, time, new), time, new)
        if decision.transition == "resolved":
            break
    assert decision.transition == "resolved"
    assert decision.decisive in decision.scores


def seeded(seed: int) -> list[Story]:
    """Hours of stories whose rate and ratio change at random, with pauses."""
    rng = random.Random(seed)
    stories, time = [], 0.0
    while time < 2 * QUIET:
        until, gap, ratio = (
            time + rng.choice((60, 300, 900)),
            rng.choice((2, 8, 20, 400)),
            rng.choice((0.1, 0.2, 0.9)),
        )
        while time < until:
            stories.append((time, rng.random() < ratio))
            time += rng.expovariate(1 / gap)
    return stories


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_replays_agree_however_they_are_made(policy, seed):
    stories = seeded(seed)
    state, decisions = replay(stories, 2 * QUIET, policy)
    assert replay(stories, 2 * QUIET, policy, reload=True) == (state, decisions)
    skipped_state, skipped = replay(stories, 2 * QUIET, policy, skip=True)
    assert skipped_state == state
    by_time = {decision.time: decision for decision in decisions}
    assert skipped == [by_time[decision.time] for decision in skipped]
    assert transitions(skipped) == transitions(decisions)


def test_random_streams_do_fire(policy):
    assert sum(len(transitions(replay(seeded(seed), 2 * QUIET, policy)[1])) for seed in range(10)) > 5


def test_state_stays_small(policy):
    state, _ = replay([*usual(0, QUIET + 60), *surge(QUIET, QUIET + 60)], QUIET + 60, policy)
    assert state.alert.firing
    assert len(msgspec.json.encode(state)) < 600
    assert msgspec.json.encode(SurgeState()) == b"{}"


def test_a_bucket_counts_after_the_lag_and_fades_by_half_lives(policy):
    baseline = fed(Baseline(), Bucket(60, 10, 4), False, policy.baseline)
    assert (baseline.since, baseline.moments) == (0, Moments())
    baseline = fed(baseline, Bucket(660, 10, 0), False, policy.baseline)
    assert baseline.moments.k == pytest.approx(4 * 0.5 ** (600 / 3600))
    assert baseline.queue == (Bucket(660, 10, 0),)


def test_estimate_by_hand(policy):
    # Prior 20 stories at 0.2; three buckets of 10 with 1, 2 and 3 negative: p = (6 + 4) / (30 + 20).
    moments = Moments().plus(10, 1).plus(10, 2).plus(10, 3)
    found = estimate(Baseline(moments=moments), "news", policy.baseline)
    assert found.ratio == pytest.approx(0.2)
    # Σ(k − 2)² = 2, less than the 3 · 10 · 0.16 of independent stories: excess = 2 / 0.16 − 30; pairs = 270.
    rho = max((2 / 0.16 - 30 + 2400 * 0.03) / (270 + 2400), 0.005)
    independent = 20 + 30 / (1 + rho * 9)
    assert found.intraclass_correlation == pytest.approx(1 - (1 - rho) * independent / (independent + 1))


def test_hours_that_agree_by_chance_do_not_hide_the_samples_surge():
    # 34 hours of two stories that agree: p = 0.27. With the prior weighing 600 pairs, ρ was at its cap of 0.1 and
    # 46 of 52 had p = 0.00015 to 0.0003.
    policy, moments = load_policy(), Moments()
    for hour in range(34):
        moments = moments.plus(2, 2 if hour % 17 < 5 else 0)
    baseline = Baseline(since=0.0, as_of=4 * 86400.0, stories=68, moments=moments)
    expected = estimate(baseline, "news", policy.baseline)
    assert expected.ratio == pytest.approx(0.27, abs=0.01)
    assert expected.intraclass_correlation < 0.075
    counts = [WindowCounts(length, length, 60, 50, 52, 46, 9) for length in policy.windows.lengths_seconds]
    decision = SurgeDetector("surge", policy).describe(SurgeState(baseline), KEY, counts, 4 * 86400.0)
    assert {score.level for score in decision.scores} == {Level.ABNORMAL}
    assert decision.scores[0].p_value < policy.surge.p_value / 10


def test_intraclass_correlation_is_recovered(policy):
    rng, moments = random.Random(5), Moments()
    for _ in range(3000):
        ratio = rng.betavariate(0.2 * 9, 0.8 * 9)  # ρ = 0.1
        moments = moments.plus(20, sum(rng.random() < ratio for _ in range(20)))
    found = estimate(Baseline(moments=moments), "news", policy.baseline)
    assert found.ratio == pytest.approx(0.2, abs=0.01)
    assert found.intraclass_correlation == pytest.approx(0.1, abs=0.01)


def test_ten_million_stories_and_a_ratio_of_nearly_nothing(policy):
    moments = Moments().plus(10**7, 0)
    baseline = Baseline(since=0.0, as_of=86400.0, stories=10**7, moments=moments)
    counts = [WindowCounts(60, 60, 10**7, 10**6, 10**7, 10**6, 5)]
    decision = SurgeDetector("surge", policy).describe(SurgeState(baseline), KEY, counts, 60)
    assert 0 < decision.scores[0].p_value < 1e-6
