"""Shapes of streams: how a key behaves while nothing happens. Each key is drawn from ranges, none is like another."""

from dataclasses import dataclass

import numpy as np

from benchmarks.detection.labels import COMMENTS, NEWS, Answers

SOURCES = 12


@dataclass(frozen=True)
class Shape:
    """All effects on the ratio are in logits. Zero everywhere is a stream of constant ratio and volume."""

    rate: float  # stories an hour, on average over a week
    base: float  # logit of the usual ratio of negative stories
    day_sd: float = 0.0  # size of the habit of the day
    day_phase: float = 0.0
    night: float = 0.0  # from 22:00 to 06:00, at once
    weekend: float = 0.0
    drift_per_week: float = 0.0  # standard deviation of the random walk after a week
    wander_sd: float = 0.0  # of an Ornstein-Uhlenbeck process
    wander_minutes: float = 180.0  # its time constant
    tilts: tuple[float, ...] = (0.0,)  # one per source, the most frequent first
    day_volume: float = 0.0  # the volume swings by this part of itself over a day
    weekend_volume: float = 1.0
    copies: float = 0.0  # mean number of syndicated copies of a story, heavy-tailed
    unrecognised: float = 0.0  # part of those copies that count as stories of their own
    answers: Answers = NEWS


def plain(rate: float, rng: np.random.Generator) -> Shape:
    """Nothing but chance: no habit, drift, wandering, tilt or copies."""
    return Shape(rate=rate, base=_logit(rng.uniform(0.1, 0.3)), tilts=(0.0,) * SOURCES)


def harsh(rate: float, rng: np.random.Generator, comments: bool = False, unrecognised: float = 0.0) -> Shape:
    """A key of the kind that people watch: everything above at once."""
    return Shape(
        rate=rate,
        base=_logit(rng.uniform(0.1, 0.3)),
        day_sd=rng.uniform(0.05, 0.4),
        day_phase=rng.uniform(0, 2 * np.pi),
        weekend=rng.normal(0, 0.2),
        drift_per_week=0.12,
        wander_sd=rng.uniform(0.1, 0.3),
        wander_minutes=rng.uniform(90, 360),
        tilts=tuple(rng.normal(0, 0.4, size=SOURCES)),
        day_volume=rng.uniform(0.4, 0.9),
        weekend_volume=rng.uniform(0.3, 1.0),
        copies=0.4,
        unrecognised=unrecognised,
        answers=COMMENTS if comments else NEWS,
    )


def _logit(ratio: float) -> float:
    return float(np.log(ratio / (1 - ratio)))
