"""The threshold from a budget of false alarms, by parametric bootstrap: from histories alone, surges in them or not.

Calm labels are drawn from each key's fitted model at the times at which its stories really came. Each drawn history
is fitted again, and what that fit makes of another drawn history is what the detector would make of calm weeks to
come: the uncertainty of the fit is in it (Efron and Tibshirani 1993, "An Introduction to the Bootstrap", chapter 6).
"""

from collections.abc import Sequence
from typing import Final

import numpy as np
from scipy.special import expit

from benchmarks.detection.alarms import Threshold, alarms
from benchmarks.detection.simulate import wandering
from benchmarks.detection.streams import MINUTES_PER_WEEK, Floats
from benchmarks.detection.switching import Fit, Stories, fit_key, score
from benchmarks.detection.switching_filter import Settings

REPLICAS: Final = 4
RESERVE: Final = (
    0.2  # part of the budget left for what the model of calm weeks lacks: drift, odd hours, copies
)
WARM_UP: Final = 1_440  # minutes of a replica that do not count


def clear_level(fire: float) -> float:
    """The log-odds below which an alarm may end."""
    return min(fire - 1, 0.0)


def calm_scores(
    fit: Fit, history: Stories, minutes: int, settings: Settings, rng: np.random.Generator
) -> list[Floats]:
    """Scores of REPLICAS calm histories of one key, (minutes,) each, each by the fit of the one before."""
    drawn = [_calm_history(fit, history, minutes, rng) for _ in range(REPLICAS)]
    fits = [fit_key(each, minutes, settings) for each in drawn]
    return [score(fits[i - 1], drawn[i], minutes, settings) for i in range(REPLICAS)]


def threshold(per_week: float, scores: Sequence[Floats]) -> Threshold:
    """The lowest threshold with at most `per_week` alarms, less RESERVE, a key and week over all of `scores`."""
    behind = [each[WARM_UP:] for each in scores]
    allowed = (1 - RESERVE) * per_week * sum(each.size for each in behind) / MINUTES_PER_WEEK
    every = np.sort(np.concatenate(behind))
    candidates = every[-np.unique(np.geomspace(1, every.size / 2, 1000).astype(int))][::-1]  # ascending
    low, high = 0, candidates.size - 1
    while low < high:
        middle = (low + high) // 2
        tried = Threshold(candidates[middle], clear_level(candidates[middle]))
        found = sum(len(alarms(each, tried)) for each in behind)
        low, high = (middle + 1, high) if found > allowed else (low, middle)
    return Threshold(float(candidates[low]), clear_level(candidates[low]))


def _calm_history(fit: Fit, history: Stories, minutes: int, rng: np.random.Generator) -> Stories:
    """Draw truths from the calm model, and for each truth the evidence of a story that had it as likely."""
    logits = fit.calm.logits(history.minute, history.source)
    moved = wandering(fit.wandering.sd, fit.wandering.minutes, minutes, rng)
    negative = rng.random(logits.size) < expit(logits + moved[history.minute.astype(np.int64)])
    weighted = expit(logits) * history.evidence[:, 0]
    posterior = weighted / (weighted + (1 - expit(logits)) * history.evidence[:, 1])
    evidence = np.empty_like(history.evidence)
    for value, weights in ((True, posterior), (False, 1 - posterior)):
        mask = negative == value
        if mask.any():
            weights = weights if weights.sum() > 0 else np.ones(weights.size)
            evidence[mask] = history.evidence[
                rng.choice(weights.size, size=int(mask.sum()), p=weights / weights.sum())
            ]
    return Stories(history.minute, history.source, evidence)
