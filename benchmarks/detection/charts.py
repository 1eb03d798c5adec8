"""Control charts as they are in use: each gives a score for each minute, from the last hours' counts.

Not a number means that the chart has nothing to say: too few stories, or no past.
"""

import numpy as np

from benchmarks.detection.streams import MINUTES_PER_DAY, MINUTES_PER_HOUR, Floats, Stream
from benchmarks.detection.windows import delayed, ratio, trailing, usual_ratio

FEWEST = 5  # stories in a window; below, a ratio of one half is no news
WEEK = 7 * MINUTES_PER_DAY


def fixed_threshold(stream: Stream) -> Floats:
    """The ratio of negative stories of the last two hours."""
    stories, negative = (trailing(values, 2 * MINUTES_PER_HOUR) for values in stream.counts())
    return np.where(stories >= FEWEST, ratio(negative, stories), np.nan)


def z_score(stream: Stream) -> Floats:
    """That ratio in standard deviations of itself over the week before."""
    recent = fixed_threshold(stream)
    known = np.isfinite(recent)
    moments = [trailing(np.where(known, recent**power, 0.0), WEEK) for power in (0, 1, 2)]
    count, total, squares = (delayed(moment, 2 * MINUTES_PER_HOUR) for moment in moments)
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total / count
        deviation = np.sqrt(np.maximum(squares / count - mean**2, 1e-6))
        return np.where(count > MINUTES_PER_DAY / 4, (recent - mean) / deviation, np.nan)


def ewma(stream: Stream, minutes: float = 90.0) -> Floats:
    """An exponentially weighted moving average of negative stories beyond the usual, in its standard deviations.

    Roberts 1959, "Control chart tests based on geometric moving averages"; here with varying numbers of stories.
    """
    stories, negative = stream.counts()
    usual = usual_ratio(stories, negative)
    keep = np.exp(-1 / minutes)
    excess, variance = negative - stories * usual, stories * usual * (1 - usual)
    total, spread = np.zeros(stories.size), np.zeros(stories.size)
    last_total = last_spread = 0.0
    for minute in range(stories.size):
        total[minute] = last_total = keep * last_total + excess[minute]
        spread[minute] = last_spread = keep**2 * last_spread + variance[minute]
    score: Floats = total / np.sqrt(np.maximum(spread, 0.5))
    return score


def ears_c2(stream: Stream) -> Floats:
    """EARS C2 with hours for days: the last hour's negative stories against seven hours, two hours before.

    Hutwagner et al. 2003, "The bioterrorism preparedness and response Early Aberration Reporting System (EARS)".
    """
    hourly = trailing(stream.counts()[1], MINUTES_PER_HOUR)
    past = np.stack([delayed(hourly, hours * MINUTES_PER_HOUR) for hours in range(3, 10)])  # (7, minutes)
    deviation = np.maximum(past.std(axis=0, ddof=1), 0.5)
    score: Floats = (hourly - past.mean(axis=0)) / deviation
    return score


def laney(stream: Stream) -> Floats:
    """Laney's p′ chart of hours: the binomial z-score over its own spread from hour to hour.

    Laney 2002, "Improved control charts for attributes".
    """
    counts = stream.counts()
    usual = usual_ratio(*counts)
    stories, negative = (trailing(values, MINUTES_PER_HOUR) for values in counts)
    deviation = np.sqrt(usual * (1 - usual) / np.maximum(stories, 1))
    z = np.where(stories > 0, (negative / np.maximum(stories, 1) - usual) / deviation, np.nan)
    by_hour = z[MINUTES_PER_HOUR - 1 : stream.history : MINUTES_PER_HOUR]
    moving_range = np.abs(np.diff(by_hour[np.isfinite(by_hour)]))
    return z / (moving_range.mean() / 1.128)  # mean range of two normal deviates
