"""Tail tests over several windows at once: the plain binomial, and the beta-binomial that the product started with.

The score is −log10 of the least p-value of the windows.
"""

import math

import numpy as np
from numba import njit

from benchmarks.detection.streams import MINUTES_PER_HOUR, Floats, Stream
from benchmarks.detection.windows import trailing, usual_ratio

WINDOWS = tuple(hours * MINUTES_PER_HOUR for hours in (1, 2, 4))  # the best of those tried


def binomial(stream: Stream) -> Floats:
    """The upper tail of Binomial(n, usual ratio)."""
    return _scores(stream, 0.0)


def beta_binomial(stream: Stream) -> Floats:
    """The upper tail of the beta-binomial with the history's own correlation between stories of an hour."""
    return _scores(stream, correlation(stream))


def correlation(stream: Stream) -> float:
    """The intraclass correlation of labels within an hour, by the method of moments, over the history."""
    hours = [values[: stream.history].reshape(-1, MINUTES_PER_HOUR).sum(axis=1) for values in stream.counts()]
    stories, negative = hours
    p = negative.sum() / stories.sum()
    pairs = (stories**2 - stories).sum()
    excess = ((negative - stories * p) ** 2).sum() / (p * (1 - p)) - stories.sum()
    return float(np.clip((excess + 2400 * 0.02) / (pairs + 2400), 0.002, 0.2))


def _scores(stream: Stream, correlation: float) -> Floats:
    counts = stream.counts()
    usual = usual_ratio(*counts)
    gamma = correlation / (1 - correlation)
    by_window = [
        _log10_tails(trailing(counts[1], minutes), trailing(counts[0], minutes), usual, gamma)
        for minutes in WINDOWS
    ]
    scores: Floats = np.max(by_window, axis=0)
    return scores


@njit(cache=True)
def _log10_tails(negative, stories, usual, gamma):
    scores = np.zeros(negative.size)
    for i in range(negative.size):
        k, n, p = round(negative[i]), round(stories[i]), usual[i]
        if k > n * p:
            scores[i] = -_log_tail(k, n, p, gamma) / math.log(10)
    return scores


@njit(cache=True)
def _log_tail(k, n, p, gamma):
    """log Pr[X ≥ k] above the mean; the same recursion as in `alerting.detection.betabinomial`."""
    q = 1 - p
    first = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    if gamma > 0:
        a, b = p / gamma, q / gamma
        first += math.lgamma(a + k) + math.lgamma(b + n - k) - math.lgamma(a + b + n)
        first += math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b)
    else:
        first += k * math.log(p) + (n - k) * math.log(q)
    total = term = 1.0
    for j in range(k, n):
        term *= (n - j) * (p + j * gamma) / ((j + 1) * (q + (n - j - 1) * gamma))
        total += term
        if term < 1e-12 * total:
            break
    return min(0.0, first + math.log(total))
