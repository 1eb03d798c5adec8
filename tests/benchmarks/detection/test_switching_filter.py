"""The filter: exact on its grid, the same however it is stopped, safe for any number of stories."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import expit

from benchmarks.detection.switching_filter import Settings, State, Wandering, initial, run

SETTINGS = Settings()
WANDERING = Wandering(0.2, 180.0)
Floats = NDArray[np.float64]


def labels(negative: NDArray[np.bool_]) -> Floats:
    return np.stack([negative, ~negative], axis=1).astype(float)


def scores(minute: Floats, evidence: Floats, until: int, base: float = -1.4) -> Floats:
    return run(minute, np.full(minute.size, base), evidence, until, WANDERING, SETTINGS).scores


def test_one_story_is_bayes_on_the_grid():
    belief = np.zeros((5, 41))
    belief[0] = WANDERING.stationary
    belief = SETTINGS.transition.T @ belief @ WANDERING.transition
    likelihood = expit(-1.4 + SETTINGS.shifts[:, None] + WANDERING.grid)
    found = run(np.array([0.5]), np.array([-1.4]), labels(np.array([True])), 1, WANDERING, SETTINGS)
    after = belief * likelihood
    assert found.log_likelihood == pytest.approx(np.log(after.sum()))
    assert found.scores[0] == pytest.approx(np.log(after[1:].sum() / after[0].sum()), rel=1e-5)
    assert found.state.belief == pytest.approx(after / after.sum(), rel=1e-5)


def test_transitions_keep_probability_and_the_stationary_distribution():
    assert SETTINGS.transition.sum(axis=1) == pytest.approx(1)
    assert WANDERING.transition.sum(axis=1) == pytest.approx(1)
    assert WANDERING.stationary @ WANDERING.transition == pytest.approx(WANDERING.stationary, abs=1e-3)


@pytest.mark.parametrize("seed", range(3))
def test_stopping_and_storing_in_between_changes_nothing(seed: int):
    rng = np.random.default_rng(seed)
    minute = np.sort(rng.uniform(0, 600, size=400))
    logits, evidence = rng.normal(-1.4, 0.3, size=400), labels(rng.random(400) < 0.3)
    whole = run(minute, logits, evidence, 600, WANDERING, SETTINGS)
    state, parts = initial(WANDERING, SETTINGS), []
    for until in [*np.sort(rng.integers(1, 600, size=7)), 600]:
        of_part = (minute >= state.clock) & (minute < until)
        stored = State.from_bytes(state.to_bytes())
        part = run(
            minute[of_part], logits[of_part], evidence[of_part], int(until), WANDERING, SETTINGS, stored
        )
        state = part.state
        parts.append(part.scores)
    assert np.array_equal(np.concatenate(parts), whole.scores)
    assert state.to_bytes() == whole.state.to_bytes()
    assert len(state.to_bytes()) < 1024


def test_without_stories_the_log_odds_are_those_of_the_transitions():
    quiet = scores(np.empty(0), np.empty((0, 2)), 3000)
    lasting = SETTINGS.surge_lasts / SETTINGS.surge_every
    assert quiet[-1] == pytest.approx(np.log(lasting), abs=0.2)
    assert np.isfinite(quiet).all()


@pytest.mark.parametrize("size", [1, 1_000, 100_000])
@pytest.mark.parametrize("negative", [False, True])
def test_any_number_of_stories_in_a_minute_is_safe(size: int, negative: bool):
    found = scores(np.full(size, 0.5), labels(np.full(size, negative)), 60)
    assert np.isfinite(found).all()
    assert (found[0] > scores(np.empty(0), np.empty((0, 2)), 60)[0]) == negative


def test_a_flood_of_one_kind_does_not_blind_it_for_the_other():
    flood = np.concatenate([np.full(100_000, 0.5), 30 + np.arange(240.0)])
    negative = np.concatenate([np.zeros(100_000, bool), np.ones(240, bool)])
    assert scores(flood, labels(negative), 270)[-1] > 0


def test_a_surge_raises_the_log_odds_and_calm_lowers_them():
    rng = np.random.default_rng(5)
    minute = np.arange(0, 600, 0.5)
    ratio = np.where(minute < 360, expit(-1.4), expit(-1.4 + np.log(5)))
    found = scores(minute, labels(rng.random(minute.size) < ratio), 600)
    assert found[359] < -2
    assert found[450:].max() > 3


def test_the_base_follows_a_lasting_change_and_not_a_surge():
    rng = np.random.default_rng(6)
    minute = np.arange(0, 14 * 1440, 2.0)
    higher = run(
        minute,
        np.full(minute.size, -1.4),
        labels(rng.random(minute.size) < expit(-1.2)),
        14 * 1440,
        WANDERING,
        SETTINGS,
    )
    assert 0.1 < higher.state.base < 0.3
    surging = minute[minute < 240]
    short = run(
        surging, np.full(surging.size, -1.4), labels(np.ones(surging.size, bool)), 240, WANDERING, SETTINGS
    )
    assert abs(short.state.base) < 0.01
