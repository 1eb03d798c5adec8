"""Streams from shapes: arrival times, a ratio of negative stories that moves, surges, the model's answers, copies."""

from collections.abc import Sequence

import numpy as np
from scipy.signal import lfilter
from scipy.special import expit

from benchmarks.detection.labels import probabilities
from benchmarks.detection.shapes import Shape
from benchmarks.detection.streams import (
    MINUTES_PER_DAY,
    MINUTES_PER_HOUR,
    MINUTES_PER_WEEK,
    Copies,
    Floats,
    Ints,
    Stream,
    Surge,
    Truth,
)

ODDS_RATIOS = (2.0, 3.0, 5.0, 8.0)
HOURS = (1, 2, 4, 8)
RISE = MINUTES_PER_HOUR  # of a ramp, in minutes
SLOT = 42 * MINUTES_PER_HOUR  # 28 days have 16 slots: one for each odds ratio and length


def plan_surges(first: int, last: int, rng: np.random.Generator) -> tuple[Surge, ...]:
    """One surge in each slot of [first, last) minutes; every 16 slots hold each odds ratio and length once."""
    surges: list[Surge] = []
    cells: list[tuple[float, int]] = []
    for start in range(first, last - SLOT + 1, SLOT):
        if not cells:
            cells = [(ratio, hours) for ratio in ODDS_RATIOS for hours in HOURS]
            rng.shuffle(cells)
        ratio, hours = cells.pop()
        begin = start + rng.uniform(2, 42 - 8 - 2) * MINUTES_PER_HOUR
        surges.append(Surge(float(begin), int(hours), float(ratio), bool(rng.random() < 0.5)))
    return tuple(surges)


def simulate(
    shape: Shape,
    minutes: int,
    history: int,
    surges: Sequence[Surge],
    rng: np.random.Generator,
    busier: Floats | float = 1.0,
) -> Stream:
    """One stream of `shape`, `minutes` long, with `surges`; the volume is `busier` (minutes,) times the usual."""
    clock = np.arange(minutes, dtype=float)
    arrived = rng.poisson(volume(shape, clock) * busier / MINUTES_PER_HOUR)  # (minutes,)
    minute = np.repeat(clock, arrived)
    minute = np.sort(minute + rng.random(minute.size))  # (n,)
    at = minute.astype(np.int64)
    source = _sources(shape, minute.size, rng)
    settled = (shape.base + habit(shape, clock) + _drift(shape, minutes, rng))[at]
    settled += np.array(shape.tilts)[source]
    calm = settled + wandering(shape.wander_sd, shape.wander_minutes, minutes, rng)[at]
    negative = rng.random(minute.size) < expit(calm + lift(surges, minute))
    probability = probabilities(negative, shape.answers, rng)
    columns = np.stack([minute, probability, source, calm, settled])  # (5, n)
    columns, copies = _with_copies(columns, shape, minutes, rng)
    truth = Truth(columns[3], columns[4], shape.answers, shape.wander_sd, shape.wander_minutes)
    return Stream(
        columns[0], columns[1], columns[2].astype(np.int64), copies, minutes, history, tuple(surges), truth
    )


def volume(shape: Shape, clock: Floats) -> Floats:
    """Stories an hour at each of `clock`, in minutes; their mean over a week is the shape's rate."""
    week = _relative_volume(shape, np.arange(MINUTES_PER_WEEK, dtype=float))
    return shape.rate * _relative_volume(shape, clock) / week.mean()


def habit(shape: Shape, clock: Floats) -> Floats:
    """What the time of day and of week adds to the ratio's logit."""
    angle = 2 * np.pi * clock / MINUTES_PER_DAY + shape.day_phase
    second = 0.4 * np.sin(2 * angle + 1.0)  # days are no sine
    by_day = shape.day_sd * (np.sqrt(2) * np.sin(angle) + second)
    night = (clock + 2 * MINUTES_PER_HOUR) % MINUTES_PER_DAY < 8 * MINUTES_PER_HOUR
    return by_day + shape.night * night + shape.weekend * _is_weekend(clock)


def wandering(sd: float, time_constant: float, minutes: int, rng: np.random.Generator) -> Floats:
    """An Ornstein-Uhlenbeck process of stationary deviation `sd`, each minute."""
    if sd == 0:
        return np.zeros(minutes)
    keep = np.exp(-1 / time_constant)
    noise = rng.normal(0, sd * np.sqrt(1 - keep**2), size=minutes)
    noise[0] = rng.normal(0, sd)
    moved: Floats = lfilter([1], [1, -keep], noise)
    return moved


def lift(surges: Sequence[Surge], minute: Floats) -> Floats:
    """What the surges add to the ratio's logit at each of `minute`."""
    added = np.zeros(minute.size)
    for surge in surges:
        first, last = np.searchsorted(minute, [surge.start, surge.end])
        rise = min(RISE, (surge.end - surge.start) / 2)
        gone = minute[first:last] - surge.start
        height = np.minimum(1, gone / rise) if surge.ramp else np.ones(gone.size)
        added[first:last] += np.log(surge.odds_ratio) * height
    return added


def _relative_volume(shape: Shape, clock: Floats) -> Floats:
    angle = 2 * np.pi * (clock / MINUTES_PER_DAY - 0.375)  # least at 03:00, most at 15:00
    by_week = np.where(_is_weekend(clock), shape.weekend_volume, 1.0)
    return (1 + shape.day_volume * np.sin(angle)) * by_week


def _is_weekend(clock: Floats) -> Floats:
    return (clock % MINUTES_PER_WEEK >= 5 * MINUTES_PER_DAY).astype(float)


def _drift(shape: Shape, minutes: int, rng: np.random.Generator) -> Floats:
    step = shape.drift_per_week / np.sqrt(MINUTES_PER_WEEK)
    return np.cumsum(rng.normal(0, 1, size=minutes)) * step


def _sources(shape: Shape, size: int, rng: np.random.Generator) -> Ints:
    weights = 1 / np.arange(1, len(shape.tilts) + 1)
    return rng.choice(len(shape.tilts), size=size, p=weights / weights.sum())


def _with_copies(
    columns: Floats, shape: Shape, minutes: int, rng: np.random.Generator
) -> tuple[Floats, Copies]:
    """Copies of stories: a few stories have most of them, and they follow within hours.

    Those that are not recognised become stories; the others are returned apart.
    """
    sizes = np.minimum(200, rng.pareto(1.2, size=columns.shape[1]) * shape.copies * 0.2).astype(np.int64)
    copies = np.repeat(columns, sizes, axis=1)
    copies[0] += rng.lognormal(3.5, 1.0, size=copies.shape[1])  # half of them within 33 minutes
    copies[2] = _sources(shape, copies.shape[1], rng)
    copies = copies[:, copies[0] < minutes]
    copies = copies[:, np.argsort(copies[0], kind="stable")]
    missed = rng.random(copies.shape[1]) < shape.unrecognised
    both = np.concatenate([columns, copies[:, missed]], axis=1)
    recognised = Copies(copies[0, ~missed], copies[1, ~missed] >= 0.5)
    return both[:, np.argsort(both[0], kind="stable")], recognised
