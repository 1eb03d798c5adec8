"""The switching state-space filter, compiled: the log-odds that a key is in a surge, minute by minute.

The logit of a story's probability of being negative is base + habit(time) + tilt(source) + u + δ. The wandering u is
an Ornstein-Uhlenbeck process on a grid; the regime δ is calm (0) or one of a few surges. The filter is exact on the
grid (Hamilton 1989, "A new approach to the economic analysis of nonstationary time series and the business cycle"; a
grid for u as in Kitagawa 1987, "Non-Gaussian state-space modeling of nonstationary time series"): each story
multiplies P(regime, u) by its likelihood, each minute by the transition of the regimes, each tenth by that of u. The
mean of u while calm slowly moves into the base: that is the drift.

A story is given as its evidence (a, b): the likelihood of what the model said if the story is negative, and if it is
not. A label is (1, 0) or (0, 1).
"""

import struct
from dataclasses import dataclass
from typing import Final, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.stats import norm

Floats = NDArray[np.float64]

GRID: Final = 41  # points, over ± 4 standard deviations of u
SPAN: Final = 4.0
WANDER_EVERY: Final = 10  # minutes
TINY: Final = 1e-37  # about the smallest normal single: the log-odds stay within ± 86


@dataclass(frozen=True)
class Settings:
    """What is the same for all keys. Times are in minutes."""

    odds_ratios: tuple[float, ...] = (2.0, 3.0, 5.0, 8.0)
    attenuation: float = 0.85  # of their logarithms: a label is sometimes wrong
    surge_every: float = 10_080.0  # once a week
    surge_lasts: float = 180.0
    step_up_every: float = 60.0  # a surge reaches the next level: ramps
    drift: float = 4_320.0  # time constant of the base: 3 days
    drift_while_calm: float = 0.8  # least P(calm) for the base to move

    @property
    def shifts(self) -> Floats:
        """δ of each regime, calm first; (regimes,)."""
        return np.concatenate([[0.0], self.attenuation * np.log(self.odds_ratios)])

    @property
    def transition(self) -> Floats:
        """P(next regime | regime) over a minute; (regimes, regimes), rows sum to 1."""
        levels = len(self.odds_ratios)
        moves = np.zeros((levels + 1, levels + 1))
        moves[0, 1:] = 1 / self.surge_every / levels
        moves[1:, 0] = 1 / self.surge_lasts
        moves[np.arange(1, levels), np.arange(2, levels + 1)] = 1 / self.step_up_every
        return moves + np.diag(1 - moves.sum(axis=1))


@dataclass(frozen=True)
class Wandering:
    """The size and the speed of u."""

    sd: float
    minutes: float  # time constant

    @property
    def grid(self) -> Floats:
        """The values of u; (GRID,)."""
        return np.linspace(-SPAN, SPAN, GRID) * self.sd

    @property
    def stationary(self) -> Floats:
        """P(u) where nothing is known; (GRID,)."""
        density: Floats = norm.pdf(np.linspace(-SPAN, SPAN, GRID))
        return density / density.sum()

    @property
    def transition(self) -> Floats:
        """P(next u | u) over WANDER_EVERY minutes; (GRID, GRID), rows sum to 1."""
        keep = np.exp(-WANDER_EVERY / self.minutes)
        points = np.linspace(-SPAN, SPAN, GRID)
        density: Floats = norm.pdf(points[None, :], keep * points[:, None], np.sqrt(1 - keep**2))
        return density / density.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class State:
    """All that the next minute depends on: small, and the same whether the filter was stopped in between or not.

    P(regime, u) is rounded to single precision at the end of each minute, so that what is stored is what goes on.
    """

    belief: NDArray[np.float32]  # (regimes, GRID)
    base: float  # what the drift has added to the base
    clock: int  # the next minute

    def to_bytes(self) -> bytes:
        return struct.pack("<dq", self.base, self.clock) + self.belief.tobytes()

    @classmethod
    def from_bytes(cls, stored: bytes) -> "State":
        base, clock = struct.unpack_from("<dq", stored)
        belief = np.frombuffer(stored, np.float32, offset=struct.calcsize("<dq"))
        return cls(belief.reshape(-1, GRID), base, clock)


class Run(NamedTuple):
    """What a stretch of time brought."""

    scores: Floats  # log-odds of "surge" after each minute, (minutes,)
    log_likelihood: float  # marginal, of the stretch's stories
    state: State


def initial(wandering: Wandering, settings: Settings, clock: int = 0) -> State:
    """The state of a key of which nothing is known: calm, and the wandering anywhere."""
    belief = np.zeros((settings.shifts.size, GRID), np.float32)
    belief[0] = wandering.stationary
    return State(belief, 0.0, clock)


def run(
    minute: Floats,
    logits: Floats,
    evidence: Floats,
    until: int,
    wandering: Wandering,
    settings: Settings,
    state: State | None = None,
) -> Run:
    """Filter one key up to minute `until`, from `state` or from minute 0.

    `minute` (n,) ascends within [state.clock, until); `logits` (n,) are base + habit + tilt; `evidence` is (n, 2).
    """
    state = initial(wandering, settings) if state is None else state
    belief = state.belief.copy()
    scores, likelihood, base = _run(
        minute,
        np.exp(np.clip(logits, -30, 30)),
        np.ascontiguousarray(evidence),
        state.clock,
        until,
        np.exp(settings.shifts[:, None] + wandering.grid[None, :]),  # (regimes, GRID)
        belief,
        state.base,
        wandering.grid,
        wandering.transition,
        settings.transition,
        1 / settings.drift,
        settings.drift_while_calm,
    )
    return Run(scores, float(likelihood), State(belief, float(base), until))


@njit(cache=True)
def _run(
    minute, story_odds, evidence, clock, until, odds, stored, base, grid, wander, regimes, drift, calm_enough
):
    scores = np.empty(until - clock)
    total, first = 0.0, 0
    belief = stored.astype(np.float64)
    moved = np.empty_like(belief)
    for now in range(clock, until):
        _move_regimes(belief, regimes, moved)
        if now % WANDER_EVERY == 0:
            _move_wandering(belief, wander, moved)
        shift = np.exp(base)
        while first < minute.size and minute[first] < now + 1:
            total += np.log(_see(belief, odds, story_odds[first] * shift, evidence[first]))
            first += 1
        calm, mean, surge = 0.0, 0.0, 0.0
        for r in range(belief.shape[0]):
            for g in range(grid.size):
                stored[r, g] = belief[r, g]
                belief[r, g] = stored[r, g]
                if r == 0:
                    calm += belief[r, g]
                    mean += belief[r, g] * grid[g]
                else:
                    surge += belief[r, g]
        if calm > calm_enough:
            base += drift * mean / calm
        scores[now - clock] = np.log(max(surge, TINY)) - np.log(max(calm, TINY))
    return scores, total, base


@njit(cache=True)
def _see(belief, odds, story_odds, evidence):
    """Multiply `belief` by the likelihood of one story; returns its marginal likelihood."""
    total = 0.0
    for r in range(belief.shape[0]):
        for g in range(belief.shape[1]):
            each = odds[r, g] * story_odds
            belief[r, g] *= (each * evidence[0] + evidence[1]) / (1 + each)
            total += belief[r, g]
    for r in range(belief.shape[0]):
        for g in range(belief.shape[1]):
            belief[r, g] /= total
    return total


@njit(cache=True)
def _move_regimes(belief, regimes, moved):
    moved[:] = 0.0
    for r in range(belief.shape[0]):
        for s in range(belief.shape[0]):
            if regimes[r, s] > 0:
                for g in range(belief.shape[1]):
                    moved[s, g] += regimes[r, s] * belief[r, g]
    belief[:] = moved


@njit(cache=True)
def _move_wandering(belief, wander, moved):
    moved[:] = 0.0
    for r in range(belief.shape[0]):
        for g in range(belief.shape[1]):
            for h in range(belief.shape[1]):
                moved[r, h] += belief[r, g] * wander[g, h]
    belief[:] = moved
