"""How often the filter fires in each scene, on the same keys and with the same threshold as in the quiet control."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.detection.alarms import Threshold, alarms
from benchmarks.detection.calm_model import base_shift
from benchmarks.detection.lineup import calibrated, fitted, settings_of
from benchmarks.detection.scenes import EVENTS, LEARNED, SCENES, control, new_model, shapes
from benchmarks.detection.streams import MINUTES_PER_DAY, MINUTES_PER_WEEK, Floats, Stream
from benchmarks.detection.switching_filter import run


class Played(NamedTuple):
    """One scene on one desk."""

    scene: str
    alarms: int
    key_weeks: float


def play(rate: float, seed: int, count: int, per_week: float, soft: bool = True) -> list[Played]:
    """Every scene on `count` keys of `rate` stories an hour."""
    chosen = shapes(rate, seed, count)
    usual = _threshold([control(shape, seed + i) for i, shape in enumerate(chosen)], per_week, soft, seed)
    results = []
    for name, scene in SCENES.items():
        streams = [scene(shape, seed + i) for i, shape in enumerate(chosen)]
        threshold = _threshold(streams, per_week, soft, seed) if scene in LEARNED else usual
        found, minutes = 0, 0
        for stream in streams:
            scores = after_change(stream, soft) if scene is new_model else fitted(stream, soft).scores
            found += len(alarms(scores[stream.history :], threshold))
            minutes += stream.minutes - stream.history
        results.append(Played(name, found, minutes / MINUTES_PER_WEEK))
    return results


def _threshold(streams: Sequence[Stream], per_week: float, soft: bool, seed: int) -> Threshold:
    return calibrated(streams, [fitted(stream, soft) for stream in streams], per_week, soft, seed)


def after_change(stream: Stream, soft: bool) -> Floats:
    """Scores where the model changes at the first event: a day of warm-up, then the base as that day has it."""
    each, settings = fitted(stream, soft), settings_of(soft)
    stories, change = each.stories, EVENTS[0]
    ready = change + MINUTES_PER_DAY
    logits = each.fit.calm.logits(stories.minute, stories.source)
    day = (stories.minute >= change) & (stories.minute < ready)
    shift = base_shift(logits[day], stories.evidence[day])
    before, new = stories.minute < change, stories.minute >= change
    old = run(
        stories.minute[before], logits[before], stories.evidence[before], change, each.fit.wandering, settings
    )
    fresh = run(
        stories.minute[new] - change,
        logits[new] + shift,
        stories.evidence[new],
        stream.minutes - change,
        each.fit.wandering,
        settings,
    )
    after = fresh.scores.copy()
    after[:MINUTES_PER_DAY] = np.nan
    return np.concatenate([old.scores, after])
