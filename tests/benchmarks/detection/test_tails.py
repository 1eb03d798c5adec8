"""The tail tests of the benchmark agree with those of the product and of SciPy."""

import numpy as np
import pytest
from scipy.stats import binom

from alerting.detection.betabinomial import log_sf
from benchmarks.detection.tails import _log10_tails


@pytest.mark.parametrize("correlation", [0.0, 0.02, 0.2])
def test_tails_are_those_of_the_product(correlation: float):
    negative, stories = np.array([3.0, 9, 40, 300, 0]), np.array([5.0, 20, 60, 1_000, 0])
    usual = np.full(5, 0.2)
    found = _log10_tails(negative, stories, usual, correlation / (1 - correlation))
    cases = zip(negative[:4], stories[:4], strict=True)
    expected = [-log_sf(int(k), int(n), 0.2, correlation) / np.log(10) for k, n in cases]
    assert found[:4] == pytest.approx(expected, rel=1e-6)
    assert found[4] == 0
    if not correlation:
        assert found[1] == pytest.approx(-np.log10(binom.sf(8, 20, 0.2)))
