"""The beta-binomial tail against exact rationals, and against SciPy where SciPy is right."""

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import betabinom, binom

from alerting.detection.betabinomial import log_sf

share = st.floats(1e-12, 1 - 1e-12)
correlation = st.one_of(st.just(0.0), st.floats(1e-12, 0.999))


def exact_sf(k: int, n: int, p: Fraction, rho: Fraction) -> Fraction:
    """Σ_{j≥k} C(n, j) Π(p + iγ) Π(1 − p + iγ) / Π(1 + iγ) in whole numbers."""
    gamma = rho / (1 - rho)

    def rising(x: Fraction, m: int) -> Fraction:
        return math.prod((x + i * gamma for i in range(m)), start=Fraction(1))

    terms = (math.comb(n, j) * rising(p, j) * rising(1 - p, n - j) for j in range(k, n + 1))
    return sum(terms, start=Fraction(0)) / rising(Fraction(1), n)


def log_of(x: Fraction) -> float:
    """log of a fraction that may lie far below the smallest double."""
    shift = x.denominator.bit_length() - x.numerator.bit_length()
    return math.log(float(x * 2**shift)) - shift * math.log(2)


@pytest.mark.parametrize("n", [1, 2, 7, 25])
@pytest.mark.parametrize("p", ["1/1000000000000", "1/20", "1/2", "19/20"])
@pytest.mark.parametrize("rho", ["0", "1/1000000", "1/50", "3/10", "99/100"])
def test_equals_the_exact_sum(n, p, rho):
    for k in range(n + 2):
        truth = exact_sf(k, n, Fraction(p), Fraction(rho))
        computed = log_sf(k, n, float(Fraction(p)), float(Fraction(rho)))
        if truth == 0:
            assert computed == -math.inf
        else:
            assert computed == pytest.approx(log_of(truth), rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("n", [500, 3_000])
def test_far_tail_where_scipy_underflows(n):
    p, rho = 0.01, 0.001
    concentration = 1 / rho - 1
    assert betabinom.sf(n - 1, n, p * concentration, (1 - p) * concentration) == 0.0
    truth = exact_sf(n, n, Fraction(1, 100), Fraction(1, 1000))
    assert log_sf(n, n, p, rho) == pytest.approx(log_of(truth), rel=1e-9)


@pytest.mark.parametrize("n", [300, 20_000, 400_000])
@pytest.mark.parametrize(("p", "rho"), [(0.2, 0.02), (0.05, 1e-4), (0.5, 0.6), (0.9, 0.9)])
@pytest.mark.parametrize("at", [0.5, 1.05, 1.4])
def test_agrees_with_scipy_in_the_body(n, p, rho, at):
    k = min(n, round(n * p * at))
    concentration = 1 / rho - 1
    reference = betabinom.pmf(range(k, n + 1), n, p * concentration, (1 - p) * concentration).sum()
    if reference > 1e-250:
        assert log_sf(k, n, p, rho) == pytest.approx(math.log(reference), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("k", [1_990_000, 2_000_001, 2_010_000, 2_030_000])
def test_without_correlation_it_is_the_binomial(k):
    reference = binom.logsf(k - 1, 10_000_000, 0.2)
    assert log_sf(k, 10_000_000, 0.2, 0.0) == pytest.approx(reference, rel=1e-6)
    assert log_sf(k, 10_000_000, 0.2, 1e-18) == pytest.approx(reference, rel=1e-6)


@pytest.mark.parametrize("k", [50, 5_000, 300_000, 9_999_999])
def test_ten_million_stories_of_uniform_share(k):
    # With p = 1/2 and ρ = 1/3 the share is uniform, and so is X: Pr[X ≥ k] = (n + 1 − k) / (n + 1).
    n = 10_000_000
    assert log_sf(k, n, 0.5, 1 / 3) == pytest.approx(math.log((n + 1 - k) / (n + 1)), rel=1e-6, abs=1e-9)


@settings(deadline=None)
@given(n=st.integers(0, 400), p=share, rho=correlation)
def test_falls_with_k_from_zero_to_minus_infinity(n, p, rho):
    values = [log_sf(k, n, p, rho) for k in range(n + 2)]
    assert values[0] == 0.0
    assert values[-1] == -math.inf
    assert all(after <= before + 1e-9 * max(1, abs(before)) for before, after in pairwise(values))


@settings(deadline=None)
@given(n=st.integers(0, 10_000_000), p=share, rho=correlation, data=st.data())
def test_any_size_gives_a_log_probability(n, p, rho, data):
    value = log_sf(data.draw(st.integers(0, n + 1)), n, p, rho)
    assert -math.inf <= value <= 0


@pytest.mark.parametrize(
    ("n", "p", "rho"), [(-1, 0.5, 0.1), (5, 0.0, 0.1), (5, 1.0, 0.1), (5, 0.5, 1.0), (5, 0.5, -0.1)]
)
def test_what_is_not_a_distribution_is_an_error(n, p, rho):
    with pytest.raises(ValueError, match="log_sf needs"):
        log_sf(1, n, p, rho)
