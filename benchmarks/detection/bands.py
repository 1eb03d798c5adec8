"""The adaptive bands of grafana/promql-anomaly-detection (rules/adaptive.yml), on the ratio of negative stories.

The metric is the ratio of the last hour, as `bearwatch_window_negative_ratio` exposes it. At the rules' own settings
an anomaly is a score above 1.
"""

import numpy as np

from benchmarks.detection.streams import MINUTES_PER_DAY, MINUTES_PER_HOUR, Floats, Stream
from benchmarks.detection.windows import delayed, ratio, trailing

STDDEV_MULTIPLIER = 2.0
MARGIN_MULTIPLIER = 0.5
LEAST_VARIATION = 0.5  # threshold_by_covar: a calmer hour says nothing about the spread
SMOOTHED_OVER = 26 * MINUTES_PER_HOUR
LOOK_BACK = (MINUTES_PER_DAY - 30, 7 * MINUTES_PER_DAY - 30)  # 23 h 30 m and 167 h 30 m


def adaptive_bands(stream: Stream) -> Floats:
    """How far the metric is above its mean of an hour, in distances of the upper band; (minutes,)."""
    stories, negative = (trailing(values, MINUTES_PER_HOUR) for values in stream.counts())
    metric = ratio(negative, stories)
    metric = np.where(metric > 0, metric, np.nan)
    mean, deviation = _hourly(metric)
    varied = np.where(deviation > mean * LEAST_VARIATION, deviation, np.nan)
    short = mean + STDDEV_MULTIPLIER * _mean(varied, SMOOTHED_OVER)
    margin = mean + MARGIN_MULTIPLIER * mean
    before = mean + STDDEV_MULTIPLIER * deviation
    bands = np.stack([short, margin, *(delayed(before, minutes) for minutes in LOOK_BACK)])  # (4, minutes)
    upper = np.nan_to_num(bands, nan=-np.inf).max(axis=0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(upper > mean, (metric - mean) / (upper - mean), np.nan)


def _mean(values: Floats, minutes: int) -> Floats:
    known = np.isfinite(values)
    return ratio(trailing(np.where(known, values, 0.0), minutes), trailing(known.astype(float), minutes))


def _hourly(metric: Floats) -> tuple[Floats, Floats]:
    """avg_over_time and stddev_over_time of an hour."""
    mean = _mean(metric, MINUTES_PER_HOUR)
    return mean, np.sqrt(np.maximum(_mean(metric**2, MINUTES_PER_HOUR) - mean**2, 0.0))
