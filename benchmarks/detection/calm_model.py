"""The calm model of a key: a ridge logistic regression of its labels on time of day, weekend and source."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from scipy.special import expit, logit

from benchmarks.detection.streams import MINUTES_PER_DAY, MINUTES_PER_WEEK, Floats, Ints

# Penalties of squared coefficients, as pseudo-information: a habit needs some hundred stories before it is believed.
HABIT_PENALTY: Final = 20.0
HARMONICS: Final = (
    1  # three were tried: no better at 24 and at 120 stories an hour, on nights that begin at once
)
TILT_PENALTY: Final = 8.0
BASE_PENALTY: Final = 1.0  # towards PRIOR_RATIO: a history without negative stories has no finite logit
PRIOR_RATIO: Final = 0.2
MOST_SOURCES: Final = 50  # those with the most stories; others have no tilt
STEPS: Final = 25


@dataclass(frozen=True)
class CalmModel:
    """base + habit(time) + tilt(source), in logits."""

    habit: Floats  # coefficients of base, then of `clock_features`
    tilts: Floats  # one per source, 0 for unknown ones

    def logits(self, minute: Floats, source: Ints) -> Floats:
        """The logit of the ratio of negative stories at each of `minute` (n,), by `source` (n,)."""
        known = source < self.tilts.size
        tilt = np.where(known, self.tilts[np.where(known, source, 0)], 0.0)
        return clock_features(minute) @ self.habit + tilt


def clock_features(minute: Floats) -> Floats:
    """One, the weekend, and HARMONICS pairs of harmonics of the day; (n, 2 + 2 · HARMONICS)."""
    weekend = (minute % MINUTES_PER_WEEK >= 5 * MINUTES_PER_DAY).astype(float)
    columns = [np.ones(minute.size), weekend]
    for harmonic in range(1, HARMONICS + 1):
        angle = 2 * np.pi * harmonic * minute / MINUTES_PER_DAY
        columns += [np.sin(angle), np.cos(angle)]
    return np.stack(columns, axis=1)


def fit_calm_model(minute: Floats, source: Ints, evidence: Floats) -> CalmModel:
    """Fit by penalised maximum likelihood. `evidence` (n, 2) is that of the filter; labels are the special case.

    Newton's method on a lower bound: a story counts as negative by its posterior probability, as in
    expectation-maximisation.
    """
    clock = clock_features(minute)  # (n, 4)
    sources = min(MOST_SOURCES, int(source.max(initial=0)) + 1)
    known = np.minimum(source, sources)  # the last column is that of all others, and stays zero
    width = clock.shape[1]
    order = np.repeat(np.arange(1, HARMONICS + 1), 2)  # a day is smooth before it is not
    penalty = np.concatenate(
        [[BASE_PENALTY, HABIT_PENALTY], HABIT_PENALTY * order**2, np.full(sources, TILT_PENALTY)]
    )
    weights = np.zeros(width + sources)
    weights[0] = logit(PRIOR_RATIO)
    centre = weights.copy()
    for _ in range(STEPS):
        tilts = np.append(weights[width:], 0.0)
        expected = expit(clock @ weights[:width] + tilts[known])
        likelihood = expected * evidence[:, 0] + (1 - expected) * evidence[:, 1]
        posterior = expected * evidence[:, 0] / likelihood
        step = _newton(
            clock, known, posterior - expected, expected * (1 - expected), penalty, weights - centre
        )
        weights = weights + step
        if np.abs(step).max() < 1e-6:
            break
    return CalmModel(weights[:width], weights[width:])


def base_shift(logits: Floats, evidence: Floats) -> float:
    """What to add to `logits` (n,) so that they fit the evidence (n, 2): after a change of the model, say."""
    shift = 0.0
    for _ in range(STEPS):
        expected = expit(logits + shift)
        likelihood = expected * evidence[:, 0] + (1 - expected) * evidence[:, 1]
        residual = expected * evidence[:, 0] / likelihood - expected
        information = np.sum(expected * (1 - expected)) + BASE_PENALTY
        shift += float((residual.sum() - BASE_PENALTY * shift) / information)
    return shift


def _newton(
    clock: Floats, known: Ints, residual: Floats, variance: Floats, penalty: Floats, from_centre: Floats
) -> Floats:
    """(XᵀVX + penalty)⁻¹ (Xᵀ residual − penalty · weights), with X = clock beside one column per source."""
    width, size = clock.shape[1], penalty.size
    sources = size - width
    gradient, information = np.empty(size), np.diag(penalty)
    weighted = clock * variance[:, None]
    gradient[:width] = clock.T @ residual
    gradient[width:] = np.bincount(known, residual, minlength=sources + 1)[:sources]
    information[:width, :width] += clock.T @ weighted
    for column in range(width):
        cross = np.bincount(known, weighted[:, column], minlength=sources + 1)[:sources]
        information[column, width:] += cross
        information[width:, column] += cross
    by_source = np.bincount(known, variance, minlength=sources + 1)[:sources]
    information[width:, width:] += np.diag(by_source)
    step: Floats = np.linalg.solve(information, gradient - penalty * from_centre)
    return step
