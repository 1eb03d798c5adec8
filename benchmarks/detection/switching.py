"""The switching state-space filter as a detector: fitted on a key's own history, nothing else."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final

import numpy as np

from benchmarks.detection.calm_model import CalmModel, fit_calm_model
from benchmarks.detection.labels import PRIOR
from benchmarks.detection.streams import Bools, Floats, Ints, Stream
from benchmarks.detection.switching_filter import Settings, Wandering, run

SIZES: Final = (0.05, 0.1, 0.15, 0.22, 0.3, 0.4)
TIMES: Final = (90.0, 180.0, 360.0)  # minutes
TYPICAL: Final = 0.22  # the sizes of many keys lie around it,
TYPICAL_SPREAD: Final = 0.5  # within this standard deviation of the logarithm


@dataclass(frozen=True)
class Stories:
    """What the filter sees of a stream; one value per story, in ascending order of time."""

    minute: Floats
    source: Ints
    evidence: Floats  # (n, 2) likelihood of the model's answer if the story is negative, and if it is not

    def where(self, mask: Bools) -> "Stories":
        return Stories(self.minute[mask], self.source[mask], self.evidence[mask])


@dataclass(frozen=True)
class Fit:
    """All that is fitted of a key."""

    calm: CalmModel
    wandering: Wandering


def by_label(stream: Stream) -> Stories:
    """A label is certain evidence."""
    evidence = np.stack([stream.negative, ~stream.negative], axis=1).astype(float)
    return Stories(stream.minute, stream.source, evidence)


def by_probability(stream: Stream) -> Stories:
    """Soft evidence: a calibrated P(negative) over the ratio that the model was calibrated on."""
    negative = np.clip(stream.probability, 0.001, 0.999)
    evidence = np.stack([negative / PRIOR, (1 - negative) / (1 - PRIOR)], axis=1)
    return Stories(stream.minute, stream.source, evidence)


def fit_key(history: Stories, minutes: int, settings: Settings) -> Fit:
    """Fit a key on its history of `minutes`: the calm model first, then size and speed of the wandering.

    Those maximise the filter's own marginal likelihood, with a weak prior on the size: the sizes at a typical speed
    first, then the speeds at the best size.
    """
    calm = fit_calm_model(history.minute, history.source, history.evidence)
    logits = calm.logits(history.minute, history.source)

    def fitness(wandering: Wandering) -> float:
        found = run(history.minute, logits, history.evidence, minutes, wandering, settings)
        return found.log_likelihood - 0.5 * (np.log(wandering.sd / TYPICAL) / TYPICAL_SPREAD) ** 2

    sd = _best(SIZES, TYPICAL, lambda sd: fitness(Wandering(sd, TIMES[1])))
    return Fit(calm, Wandering(sd, _best(TIMES, TIMES[1], lambda time: fitness(Wandering(sd, time)))))


def _best(values: Sequence[float], start: float, fitness: Callable[[float], float]) -> float:
    """The best of ascending `values`, uphill from `start`."""
    known = cache(fitness)
    at = values.index(start)
    while True:
        beside = [i for i in (at - 1, at + 1) if 0 <= i < len(values)]
        best = max([at, *beside], key=lambda i: known(values[i]))
        if best == at:
            return values[at]
        at = best


def score(fit: Fit, stories: Stories, minutes: int, settings: Settings) -> Floats:
    """Log-odds of "surge" after each minute; (minutes,)."""
    logits = fit.calm.logits(stories.minute, stories.source)
    return run(stories.minute, logits, stories.evidence, minutes, fit.wandering, settings).scores
