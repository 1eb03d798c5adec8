"""What no detector can pass: filters that are told how the stream was made."""

import numpy as np
from numba import njit
from scipy.special import expit

from benchmarks.detection.labels import label_ratio
from benchmarks.detection.streams import Floats, Stream
from benchmarks.detection.switching_filter import Settings, Wandering, run


def calm_known(stream: Stream, settings: Settings) -> Floats:
    """Log-odds of "surge" where the calm ratio is known at every moment, wandering included; (minutes,).

    Only the labels' chance is left, so this is the likelihood-ratio filter of the regime alone.
    """
    shifts = np.concatenate([[0.0], np.log(settings.odds_ratios)])  # (regimes,)
    ratio = expit(stream.truth.calm[:, None] + shifts)  # (n, regimes)
    labelled = label_ratio(ratio, stream.truth.answers)
    likelihood = np.where(stream.negative[:, None], labelled, 1 - labelled)
    scores: Floats = _run(stream.minute, likelihood, stream.minutes, settings.transition)
    return scores


def parameters_known(stream: Stream, settings: Settings) -> Floats:
    """The same where all is known but the wandering itself, whose size and speed are; (minutes,)."""
    settled = label_ratio(expit(stream.truth.settled), stream.truth.answers)
    evidence = np.stack([stream.negative, ~stream.negative], axis=1).astype(float)
    wandering = Wandering(
        max(0.02, settings.attenuation * stream.truth.wander_sd), stream.truth.wander_minutes
    )
    logits = np.log(settled / (1 - settled))
    return run(stream.minute, logits, evidence, stream.minutes, wandering, settings).scores


@njit(cache=True)
def _run(minute, likelihood, minutes, regimes):
    scores = np.empty(minutes)
    belief = np.zeros(regimes.shape[0])
    belief[0] = 1.0
    first = 0
    for clock in range(minutes):
        belief = belief @ regimes
        while first < minute.size and minute[first] < clock + 1:
            belief *= likelihood[first]
            belief /= belief.sum()
            first += 1
        calm = min(max(belief[0], 1e-300), 1 - 1e-16)
        scores[clock] = np.log1p(-calm) - np.log(calm)
    return scores
