"""Scenes in which nothing bad begins: none may fire more often than a quiet control.

Each scene is a key without surges, fitted and calibrated on a history in which the scene does not happen; in its four
weeks of test the scene happens every second day. Habits of the week and of the day are in the history too. The control
is the same key with nothing in it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from benchmarks.detection.labels import COMMENTS
from benchmarks.detection.population import HISTORY_DAYS, TEST_DAYS
from benchmarks.detection.shapes import Shape, harsh
from benchmarks.detection.simulate import lift, simulate
from benchmarks.detection.streams import (
    MINUTES_PER_DAY,
    MINUTES_PER_HOUR,
    Copies,
    Floats,
    Ints,
    Stream,
    Surge,
)

HISTORY, MINUTES = HISTORY_DAYS * MINUTES_PER_DAY, (HISTORY_DAYS + TEST_DAYS) * MINUTES_PER_DAY
EVENTS = tuple(range(HISTORY + 10 * MINUTES_PER_HOUR, MINUTES - MINUTES_PER_DAY, 2 * MINUTES_PER_DAY))
Scene = Callable[[Shape, int], Stream]  # of a shape and a seed


def control(shape: Shape, seed: int) -> Stream:
    """Nothing happens."""
    return simulate(shape, MINUTES, HISTORY, (), np.random.default_rng(seed))


def weekend(shape: Shape, seed: int) -> Stream:
    """Weekends of few stories, more negative than the days before; they are in the history too."""
    return control(replace(shape, weekend=0.5, weekend_volume=0.25), seed)


def negative_nights(shape: Shape, seed: int) -> Stream:
    """Twice the odds of a negative story from 22:00 to 06:00, in the history too."""
    return control(replace(shape, night=float(np.log(2))), seed)


def volume_spike(shape: Shape, seed: int) -> Stream:
    """Eight times the usual stories for three hours, no more negative than ever."""
    return simulate(shape, MINUTES, HISTORY, (), np.random.default_rng(seed), _busier(8.0, 3))


def good_news(shape: Shape, seed: int) -> Stream:
    """Four times the usual stories for three hours, hardly one of them negative."""
    surges = [Surge(float(start), 3, 0.1, ramp=False) for start in EVENTS]
    stream = simulate(shape, MINUTES, HISTORY, surges, np.random.default_rng(seed), _busier(4.0, 3))
    return replace(stream, surges=())


def syndicated(shape: Shape, seed: int) -> Stream:
    """One negative story with 200 copies within two hours, of which one in twenty counts as a story of its own."""
    rng = np.random.default_rng([seed, 1])
    stream = control(shape, seed)
    copies = np.concatenate([start + 120 * rng.random(200) for start in EVENTS])
    missed = rng.random(copies.size) < 0.05
    stories = np.concatenate([np.array(EVENTS, dtype=float), copies[missed]])
    minute = np.concatenate([stream.copies.minute, copies[~missed]])
    negative = np.concatenate(
        [stream.copies.negative, np.ones(minute.size - stream.copies.minute.size, bool)]
    )
    order = np.argsort(minute)
    sources = rng.integers(0, len(shape.tilts), size=stories.size)
    return _with_negative(stream, stories, sources, Copies(minute[order], negative[order]))


def bot(shape: Shape, seed: int) -> Stream:
    """One new author writes a negative story each minute for three hours, every one another."""
    added = np.concatenate([start + np.arange(180.0) for start in EVENTS])
    return _with_negative(control(shape, seed), added, np.full(added.size, len(shape.tilts)))


def outage(shape: Shape, seed: int) -> Stream:
    """Six hours bring nothing; their stories come within the quarter of an hour after, stamped as they arrive."""
    stream = control(shape, seed)
    minute = stream.minute.copy()
    rng = np.random.default_rng([seed, 2])
    for start in EVENTS:
        late = (minute >= start) & (minute < start + 6 * MINUTES_PER_HOUR)
        minute[late] = start + 6 * MINUTES_PER_HOUR + 15 * rng.random(int(late.sum()))
    return stream.with_stories(minute, stream.probability, stream.source)


def shifted_clocks(shape: Shape, seed: int) -> Stream:
    """From the first event on, a third of the sources stamp their stories an hour late."""
    stream = control(shape, seed)
    shifted = (stream.source % 3 == 0) & (stream.minute >= EVENTS[0])
    minute = np.where(shifted, np.minimum(stream.minute + MINUTES_PER_HOUR, MINUTES - 0.5), stream.minute)
    return stream.with_stories(minute, stream.probability, stream.source)


def new_model(shape: Shape, seed: int) -> Stream:
    """From the first event on another model answers, which finds other stories negative. Workers know of it."""
    before = control(shape, seed)
    after = control(replace(shape, answers=COMMENTS, base=shape.base + 0.8), seed + 1)
    old, new = before.minute < EVENTS[0], after.minute >= EVENTS[0]
    return before.with_stories(
        np.concatenate([before.minute[old], after.minute[new]]),
        np.concatenate([before.probability[old], after.probability[new]]),
        np.concatenate([before.source[old], after.source[new]]),
    )


SCENES: dict[str, Scene] = {
    "quiet control": control,
    "weekend": weekend,
    "negative nights": negative_nights,
    "volume spike": volume_spike,
    "surge of good news": good_news,
    "one story syndicated 200 times": syndicated,
    "bot": bot,
    "outage with late catch-up": outage,
    "shifted clocks": shifted_clocks,
    "new model": new_model,
}

LEARNED = (weekend, negative_nights)  # habits: the history on which a desk is calibrated has them too


def shapes(rate: float, seed: int, count: int) -> Sequence[Shape]:
    """The keys that every scene is played on."""
    return [harsh(rate, np.random.default_rng([seed, int(rate), number])) for number in range(count)]


def _busier(times: float, hours: int) -> Floats:
    surges = [Surge(float(start), hours, times, ramp=False) for start in EVENTS]
    return np.exp(lift(surges, np.arange(MINUTES, dtype=float)))


def _with_negative(stream: Stream, minute: Floats, source: Ints, copies: Copies | None = None) -> Stream:
    """Negative stories added, of which the model has no doubt."""
    return stream.with_stories(
        np.concatenate([stream.minute, minute]),
        np.concatenate([stream.probability, np.full(minute.size, 0.99)]),
        np.concatenate([stream.source, source]),
        copies,
    )
