"""How often an alert of the shipped policy fires on quiet keys, and how soon on a surge, by simulation.

    python -m benchmarks.false_alarms [--weeks 20] [--surges 40] [--policy P.toml] [--seed 1]

A quiet key has a day and a night (its rate swings by 80 %) and a ratio of negative stories that differs from hour to
hour: beta-distributed around its mean with ρ = 0.02. Two weeks of it are history; alarms are counted after those. A
surge adds negative stories at a steady rate for ten minutes, by day.
"""

import argparse
import random
from collections.abc import Iterator
from statistics import median

from alerting.detection.policy import Policy, load_policy
from alerting.detector import Decision, WindowCounts
from alerting.kinds import KINDS, SURGE
from bearwatch.core.key import Key

HOUR, WEEK = 3600, 7 * 24 * 3600
KEY = Key.parse("news/topic:Quiet")
Story = tuple[float, bool, int]  # time, negative, source


def quiet(rate: float, ratio: float, rho: float, seconds: int, rng: random.Random) -> Iterator[Story]:
    """Stories of a key with `rate` stories an hour on average."""
    concentration = 1 / rho - 1
    for hour in range(seconds // HOUR):
        negative = rng.betavariate(ratio * concentration, (1 - ratio) * concentration)
        by_day = rate * (1.8 if 8 <= hour % 24 < 20 else 0.2)
        time = hour * HOUR + rng.expovariate(by_day / HOUR)
        while time < (hour + 1) * HOUR:
            yield time, rng.random() < negative, rng.randrange(8)
            time += rng.expovariate(by_day / HOUR)


def replay(stories: list[Story], until: int, policy: Policy) -> Iterator[Decision]:
    """Every decision that the stream would come to, those without a change left out as the stream does."""
    every, lengths = policy.windows.evaluate_every_seconds, policy.windows.lengths_seconds
    detector = KINDS[SURGE].detector(policy)
    state, previous, due = detector.initial(), None, None
    bounds = [[0, 0] for _ in lengths]
    for time in range(every, until, every):
        for length, bound in zip(lengths, bounds, strict=True):
            while bound[1] < len(stories) and stories[bound[1]][0] < time:
                bound[1] += 1
            while bound[0] < bound[1] and stories[bound[0]][0] < time - length:
                bound[0] += 1
        position = str(bounds)
        if position == previous and (due is None or time < due):
            continue
        previous = position
        windows = [
            _counts(stories[first:last], time, length)
            for length, (first, last) in zip(lengths, bounds, strict=True)
        ]
        state, decision = detector.evaluate(state, KEY, windows, time)
        due = detector.next_evaluation(state, windows, time)
        yield decision


def _counts(stories: list[Story], time: int, length: int) -> WindowCounts:
    n, k = len(stories), sum(negative for _, negative, _ in stories)
    return WindowCounts(length, time, n, k, n, k, len({source for _, _, source in stories}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--weeks", type=int, default=20)
    parser.add_argument("--surges", type=int, default=40)
    parser.add_argument("--policy")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    policy, rng = load_policy(arguments.policy), random.Random(arguments.seed)
    for rate in (2, 6, 24, 120):
        for ratio in (0.1, 0.2, 0.35):
            weeks = max(2, arguments.weeks // (1 + rate // 60))
            until = (weeks + 2) * WEEK
            stories = list(quiet(rate, ratio, 0.02, until, rng))
            alarms = [v.time for v in replay(stories, until, policy) if v.transition == "firing"]
            late = sum(time > 2 * WEEK for time in alarms)
            print(f"quiet {rate:4}/h, ratio {ratio:.2f}: {late} false alarms in {weeks} weeks")
    for rate, per_minute in ((2, 2), (2, 4), (6, 2), (6, 4), (6, 8), (24, 4), (120, 8)):
        delays = [_delay(rate, per_minute, policy, rng) for _ in range(arguments.surges)]
        seen = [delay for delay in delays if delay is not None]
        delay = f"median {median(seen):.0f} s, worst {max(seen):.0f} s" if seen else "never"
        print(f"surge {per_minute}/min on {rate}/h: {len(seen)}/{len(delays)} within 10 min, {delay}")


def _delay(rate: float, per_minute: int, policy: Policy, rng: random.Random) -> float | None:
    """Seconds from the start of a surge on the fourth day to the alert; None if it does not fire in time."""
    start = 3 * 24 * HOUR + 12 * HOUR
    added = [
        (start + (i + rng.random()) * 60 / per_minute, True, rng.randrange(8)) for i in range(per_minute * 10)
    ]
    stories = sorted([*quiet(rate, 0.2, 0.02, start + HOUR, rng), *added])
    fired = (
        v.time for v in replay(stories, start + 600, policy) if v.transition == "firing" and v.time > start
    )
    first = next(fired, None)
    return None if first is None else first - start


if __name__ == "__main__":
    main()
