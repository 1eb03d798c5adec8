"""Everything that is compared: the scores of each on one key, and its outcome at a rate of false alarms."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from benchmarks.detection import budget
from benchmarks.detection.alarms import Threshold
from benchmarks.detection.bands import adaptive_bands
from benchmarks.detection.bounds import calm_known, parameters_known
from benchmarks.detection.charts import ears_c2, ewma, fixed_threshold, laney, z_score
from benchmarks.detection.missed_copies import likely_copies
from benchmarks.detection.scan import scan
from benchmarks.detection.scoring import Outcome, outcome, threshold_for
from benchmarks.detection.source_limit import hourly_rates, within_limit
from benchmarks.detection.streams import Floats, Stream
from benchmarks.detection.switching import Fit, Stories, by_label, by_probability, fit_key, score
from benchmarks.detection.switching_filter import Settings
from benchmarks.detection.tails import beta_binomial, binomial

LABELS = Settings()
SOFT = Settings(attenuation=1.0)  # a calibrated probability does not blur the odds
FILTER, FILTER_BY_LABEL = "switching filter, probabilities", "switching filter, labels"
SCAN = "scan of score tests"
BOUNDS: dict[str, Callable[[Stream, Settings], Floats]] = {
    "bound: calm ratio known": calm_known,
    "bound: all but the wandering known": parameters_known,
}
CHARTS: dict[str, Callable[[Stream], Floats]] = {
    "fixed threshold": fixed_threshold,
    "z-score": z_score,
    "EWMA": ewma,
    "EARS C2": ears_c2,
    "Laney p′": laney,
    "adaptive bands (PromQL)": adaptive_bands,
    "binomial": binomial,
    "beta-binomial, tuned": beta_binomial,
}


class Fitted(NamedTuple):
    """A key fitted on its history, by labels or by probabilities."""

    stories: Stories  # without those beyond their source's limit, and likely copies
    fit: Fit
    scores: Floats  # of the filter, (minutes,)


def settings_of(soft: bool) -> Settings:
    """Of the filter by probabilities (`soft`) or by labels."""
    return SOFT if soft else LABELS


def fitted(stream: Stream, soft: bool) -> Fitted:
    """Fit one key on its history alone, then filter all of it."""
    stories, settings = by_probability(stream) if soft else by_label(stream), settings_of(soft)
    past = stories.source[stories.minute < stream.history]
    rates = hourly_rates(past, stream.history, int(past.max(initial=0)) + 1)
    counted = within_limit(stories.minute, stories.source, rates)
    counted &= ~likely_copies(stream.minute, stream.negative, stream.copies)
    stories = stories.where(counted)
    fit = fit_key(stories.where(stories.minute < stream.history), stream.history, settings)
    return Fitted(stories, fit, score(fit, stories, stream.minutes, settings))


def scores_of(stream: Stream) -> dict[str, Floats]:
    """The scores of everything but the product's own policy on one key, (minutes,) each."""
    hard, soft = fitted(stream, soft=False), fitted(stream, soft=True)
    return {
        **{name: bound(stream, LABELS) for name, bound in BOUNDS.items()},
        **{name: chart(stream) for name, chart in CHARTS.items()},
        SCAN: scan(stream, hard.fit, hard.stories),
        FILTER_BY_LABEL: hard.scores,
        FILTER: soft.scores,
    }


def at_equal_false_alarms(
    name: str, scores: Sequence[Floats], streams: Sequence[Stream], per_week: float
) -> list[Outcome]:
    """Outcomes at the threshold that gives `per_week` false alarms a key and week on these streams themselves.

    An alarm of a chart ends where the score is below what one minute in twenty exceeds.
    """
    if name in BOUNDS or name in (FILTER, FILTER_BY_LABEL):
        clear = budget.clear_level
    else:
        behind = [each[stream.history :] for each, stream in zip(scores, streams, strict=True)]
        usual = float(np.nanquantile(np.concatenate(behind), 0.95))

        def clear(fire: float) -> float:
            return min(fire, usual)

    threshold = threshold_for(per_week, scores, streams, clear)
    return [outcome(each, stream, threshold) for each, stream in zip(scores, streams, strict=True)]


def calibrated(
    streams: Sequence[Stream], fits: Sequence[Fitted], per_week: float, soft: bool, seed: int
) -> Threshold:
    """The threshold of a desk: of keys of about one volume, from their histories alone."""
    calm: list[Floats] = []
    for number, (each, stream) in enumerate(zip(fits, streams, strict=True)):
        history = each.stories.where(each.stories.minute < stream.history)
        rng = np.random.default_rng([seed, number])
        calm += budget.calm_scores(each.fit, history, stream.history, settings_of(soft), rng)
    return budget.threshold(per_week, calm)


def deployed(streams: Sequence[Stream], per_week: float, soft: bool, seed: int) -> list[Outcome]:
    """What a desk of keys would have seen: fits and threshold from the histories, then four weeks."""
    fits = [fitted(stream, soft) for stream in streams]
    threshold = calibrated(streams, fits, per_week, soft, seed)
    return [outcome(each.scores, stream, threshold) for each, stream in zip(fits, streams, strict=True)]
