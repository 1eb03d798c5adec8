"""Counts to scores and levels: how unlikely a window is under the baseline, and how much that means.

The policy's thresholds stand here. Nothing here remembers an alert.
"""

import math
import sys

from alerting.detection.baseline import Estimate
from alerting.detection.betabinomial import log_sf
from alerting.detection.policy import Surge
from alerting.detector import Level, WindowCounts, WindowScore


def window_score(counts: WindowCounts, expected: Estimate, surge: Surge) -> WindowScore:
    """Score one window: the upper tail of the beta-binomial distribution at its number of negative stories.

    No score while the baseline is warming up, neither score nor lift for a window without stories. The p-value is
    floored at the smallest normal double, so the score is at most 307.7.
    """
    n, k = counts.stories, counts.negative_stories
    if n == 0:
        return WindowScore(counts, None, None, None, Level.CLEAR)
    lift = k / n / expected.ratio
    if not expected.ready:
        return WindowScore(counts, None, None, lift, Level.CLEAR)
    p_value = math.exp(log_sf(k, n, expected.ratio, expected.intraclass_correlation))
    p_value = max(p_value, sys.float_info.min)
    score = max(0.0, -math.log10(p_value))  # not -0.0
    return WindowScore(counts, score, p_value, lift, _level(counts, p_value, lift, surge))


def _level(counts: WindowCounts, p_value: float, lift: float, surge: Surge) -> Level:
    if p_value >= surge.clear_p_value:
        return Level.CLEAR
    abnormal = (
        p_value <= surge.p_value
        and lift >= surge.min_lift
        and counts.stories >= surge.min_stories
        and counts.negative_stories >= surge.min_negative_stories
        and counts.sources >= surge.min_sources
    )
    if not abnormal:
        return Level.ABOVE_CLEAR
    critical = p_value <= surge.critical_p_value and lift >= surge.critical_lift
    return Level.CRITICAL if critical else Level.ABNORMAL
