"""The upper tail of the beta-binomial distribution, in log space: how unlikely are k negatives of n?

X ~ BetaBinomial(n, a, b) with a = p (1/ρ − 1), b = (1 − p)(1/ρ − 1): stories that share a cause agree more
often than coin tosses do, and ρ is the correlation between two stories of one window (Skellam 1948, "A
probability distribution derived from the binomial distribution by regarding the probability of success as
variable between the sets of trials"). Written with γ = ρ/(1 − ρ) (Griffiths 1973, "Maximum likelihood
estimation for the beta-binomial distribution") the probabilities need no a and b, and ρ = 0 is the binomial
without a special case:

    Pr[X = k] = C(n, k) Π_{i<k}(p + iγ) Π_{i<n−k}(1 − p + iγ) / Π_{i<n}(1 + iγ)
"""

import math

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln

Floats = NDArray[np.float64]

VANISHED = 1e-17  # a term this small relative to the sum no longer changes a double
PLAIN_TERMS = 256  # below this a Python loop is quicker than numpy's call overhead
# Exact terms before quadrature. A binomial of n = 10⁷ has a standard deviation of at most 1,581 stories, so
# what has not vanished after 32,768 terms is wide because of ρ, and smooth on a scale of thousands of terms.
EXACT_TERMS = 32_768
NODES, WEIGHTS = np.polynomial.legendre.leggauss(32)


def log_sf(k: int, n: int, p: float, rho: float) -> float:
    """Return log Pr[X ≥ k] for X ~ BetaBinomial(n, p(1/ρ − 1), (1 − p)(1/ρ − 1)); a number in [−inf, 0].

    The relative error of the probability is below 10⁻⁹ for n ≤ 10⁴, below 10⁻⁶ for n ≤ 10⁷, however far
    out. Raises ValueError unless 0 < p < 1, 0 ≤ ρ < 1 and n ≥ 0.
    """
    if not (0 < p < 1 and 0 <= rho < 1 and n >= 0):
        raise ValueError(f"log_sf needs 0 < p < 1, 0 <= rho < 1 and n >= 0, not p={p}, rho={rho}, n={n}")
    if k <= 0:
        return 0.0
    if k > n:
        return -math.inf
    gamma = rho / (1 - rho)
    if k > n * p:
        return min(0.0, _log_upper(k, n, p, 1 - p, gamma))
    # Below the mean the terms rise, so the other side is summed: X ≥ k unless n − X ≥ n − k + 1.
    return _log_complement(_log_upper(n - k + 1, n, 1 - p, p, gamma))


def _log_upper(k: int, n: int, p: float, q: float, gamma: float) -> float:
    """log Σ_{j≥k} Pr[X = j] for k above the mean, where terms fall or, U-shaped, change slowly."""
    first = _log_pmf(k, n, p, q, gamma)
    total = term = 1.0
    stop = min(n, k + PLAIN_TERMS)
    for j in range(k, stop):
        term *= (n - j) * (p + j * gamma) / ((j + 1) * (q + (n - j - 1) * gamma))
        total += term
        if term < total * VANISHED:
            return first + math.log(total)
    if stop == n:
        return first + math.log(total)
    return first + math.log(total + term * _long_tail(stop, n, p, q, gamma))


def _long_tail(k: int, n: int, p: float, q: float, gamma: float) -> float:
    """Σ_{j>k} Pr[X = j] / Pr[X = k]: exact terms; if they do not vanish, quadrature and the last terms."""
    terms = _relative_terms(k, min(n, k + EXACT_TERMS), n, p, q, gamma)
    total = float(terms.sum())
    start = k + len(terms) + 1
    if start > n or terms[-1] < (1 + total) * VANISHED:
        return total
    at_k = _log_pmf(k, n, p, q, gamma)
    end = max(start, n - EXACT_TERMS)
    if end > start:
        total += _quadrature(start - 0.5, end - 0.5, n, p, q, gamma, at_k)
    at_end = math.exp(_log_pmf(end, n, p, q, gamma) - at_k)
    return total + at_end * (1 + float(_relative_terms(end, n, n, p, q, gamma).sum()))


def _relative_terms(k: int, last: int, n: int, p: float, q: float, gamma: float) -> Floats:
    """Pr[X = j] / Pr[X = k] for j = k + 1 … last, from the ratio of neighbouring terms."""
    j = np.arange(k, last, dtype=np.float64)
    ratios: Floats = (n - j) * (p + j * gamma) / ((j + 1) * (q + (n - j - 1) * gamma))
    return ratios.cumprod()


def _quadrature(low: float, high: float, n: int, p: float, q: float, gamma: float, scale: float) -> float:
    """∫ Pr[X = x] dx / exp(scale) over [low, high], which is the sum over the whole numbers inside.

    The midpoint rule read backwards (Euler–Maclaurin): its error f′/24 is below 10⁻⁹ of the sum where f
    changes over thousands of terms. Gauss–Legendre on panels that double from both ends, since f has its
    corners there.
    """
    half = (high - low) / 2
    steps = [0.0]
    while steps[-1] < half:
        steps.append(min(half, 2 * steps[-1] + EXACT_TERMS))
    edges = np.array([low + step for step in steps] + [high - step for step in reversed(steps[:-1])])
    radius = np.diff(edges)[:, None] / 2  # (panels, 1)
    x = (edges[:-1, None] + radius) + radius * NODES  # (panels, nodes)
    a, b = p / gamma, q / gamma
    log_f = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    log_f += gammaln(x + a) + gammaln(n - x + b) - gammaln(n + a + b)
    log_f += gammaln(a + b) - gammaln(a) - gammaln(b)
    return float(np.sum(radius * WEIGHTS * np.exp(log_f - scale)))


def _log_pmf(k: int, n: int, p: float, q: float, gamma: float) -> float:
    choose = math.lgamma(n + 1) - math.lgamma(k + 1) - math.lgamma(n - k + 1)
    return choose + _log_rising(p, k, gamma) + _log_rising(q, n - k, gamma) - _log_rising(1.0, n, gamma)


def _log_rising(x: float, m: int, gamma: float) -> float:
    """log Π_{i<m}(x + iγ) = m log γ + log Γ(x/γ + m) − log Γ(x/γ), accurate where x/γ is large too."""
    if x > 1e18 * gamma:  # iγ is below the rounding of x
        return m * math.log(x)
    a = x / gamma
    if a < 100:
        return m * math.log(gamma) + math.lgamma(a + m) - math.lgamma(a)
    # Stirling's series for both, the large parts taken off by hand; the next term is 1/(1260 a⁵) < 10⁻¹³.
    series = (1 / (a + m) - 1 / a) / 12 - (1 / (a + m) ** 3 - 1 / a**3) / 360
    return m * math.log(x) + (a + m - 0.5) * math.log1p(m / a) - m + series


def _log_complement(log_p: float) -> float:
    """log(1 − e^log_p), accurate at both ends (Mächler 2012, "Accurately computing log(1 − exp(−|a|))")."""
    if log_p >= 0:
        return -math.inf
    return math.log1p(-math.exp(log_p)) if log_p < -math.log(2) else math.log(-math.expm1(log_p))
