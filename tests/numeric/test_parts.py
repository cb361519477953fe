"""The parts of the fast evaluators that have a truth of their own: angles, exact sums, the mixture's rule, series."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glutheory.numeric import arrays
from glutheory.numeric.angles import CLOSEST, near_tile, refine
from glutheory.numeric.duals import bases, mixture, series
from glutheory.numeric.rows import read_rows
from tests.numeric.cases import GAPS, MP, Pair, pair

xp = pytest.importorskip("array_api_compat.numpy")
NUMBERS = st.floats(-1e100, 1e100, allow_subnormal=False).filter(lambda x: x == 0 or abs(x) > 1e-100)


@given(NUMBERS, NUMBERS)
def test_sums_and_products_are_free_of_error(x: float, y: float) -> None:
    p, e = arrays.two_product(xp, np.float64(x), np.float64(y))
    assert Fraction(float(p)) + Fraction(float(e)) == Fraction(x) * Fraction(y)
    s, e = arrays.two_sum(np.float64(x), np.float64(y))
    assert Fraction(float(s)) + Fraction(float(e)) == Fraction(x) + Fraction(y)


@given(st.integers(1, 40), st.integers(0, 9))
def test_squares_have_twice_the_digits(d: int, seed: int) -> None:
    x = np.random.default_rng(seed).standard_normal(d)
    high, low = arrays.sum_of_squares(xp, x[None, :])
    exact = sum(Fraction(float(v)) ** 2 for v in x)
    assert abs(Fraction(float(high[0])) + Fraction(float(low[0])) - exact) <= exact * Fraction(1, 2**98)


def _sine(points: Pair) -> mpmath.mpf:
    a, b, c = points.inner()
    square = 1 - c * c / (a * b)
    return MP.sqrt(MP.mpf(square.numerator) / square.denominator)


@given(st.floats(-31, -2), st.sampled_from([1.0, -1.0]), st.integers(1, 50), st.sampled_from([2, 5, 64]))
def test_a_refined_angle_has_full_relative_accuracy(exponent: float, sign: float, seed: int, d: int) -> None:
    points = pair(1.0, 3.0, sign * 10**exponent, d, seed)
    left, right = read_rows("X", points.x[None, :]), read_rows("Y", points.y[None, :])
    zero = np.zeros(1, dtype=np.int64)
    found = refine(left, right, zero, zero)
    exact = _sine(points)
    assert found.sine is not None
    assert abs(MP.mpf(float(found.sine[0])) - exact) <= 1e-14 * exact
    assert math.copysign(1, found.rho[0]) == sign


@given(st.floats(-7, 0), st.sampled_from([1.0, -1.0]), st.integers(1, 50), st.sampled_from([2, 5, 64, 500]))
def test_a_dense_tile_has_nearly_full_accuracy(exponent: float, sign: float, seed: int, d: int) -> None:
    points = pair(1.0, 3.0, sign * 10**exponent, d, seed)
    found = near_tile(read_rows("X", points.x[None, :]), read_rows("Y", points.y[None, :]), slice(0, 1), slice(0, 1))
    exact = _sine(points)
    assert found.sine is not None
    assert found.excess is not None
    assert exact**2 >= 1 - CLOSEST
    assert abs(MP.mpf(float(found.sine[0, 0])) - exact) <= 3e-15 * exact
    a, _, c = points.inner()
    excess = float(abs(c) / a - 1)
    assert abs(found.excess[0, 0] - excess) <= 4e-16 * max(1.0, excess)


def test_the_mixture_rule_is_gauss_in_the_root_of_kappa() -> None:
    """Stieltjes' procedure on the trapezoidal rule in log κ, which converges exponentially, at 50 digits."""
    with mpmath.workdps(50):

        def density(k: mpmath.mpf) -> mpmath.mpf:
            if k > 0.8:
                return 8 * k * sum((-1) ** (n - 1) * n * n * mpmath.exp(-2 * n * n * k * k) for n in range(1, 14))
            bend = (mpmath.pi / k) ** 2
            return mpmath.sqrt(2 * mpmath.pi) * sum(
                (m * m * bend / 4 - 1) / k**2 * mpmath.exp(-m * m * bend / 8) for m in range(1, 25, 2)
            )

        step = mpmath.mpf("4.2") / 160
        kappa = [mpmath.exp(-2.55 + step * i) for i in range(161)]
        weights = [step * k * density(k) for k in kappa]
        assert abs(sum(weights) - 1) < 1e-22
        x = [mpmath.sqrt(k) for k in kappa]
        before, now, last = [mpmath.mpf(0)] * 161, [mpmath.mpf(1)] * 161, mpmath.mpf(1)
        jacobi = mpmath.zeros(len(mixture.RULE))
        for j in range(len(mixture.RULE)):
            norm = sum(w * p * p for w, p in zip(weights, now, strict=True))
            alpha = sum(w * p * p * v for w, p, v in zip(weights, now, x, strict=True)) / norm
            beta = norm / last if j else mpmath.mpf(0)
            jacobi[j, j] = alpha
            if j:
                jacobi[j, j - 1] = jacobi[j - 1, j] = mpmath.sqrt(beta)
            before, now, last = now, [(v - alpha) * p - beta * q for v, p, q in zip(x, now, before, strict=True)], norm
        values, vectors = mpmath.eigsy(jacobi)
        for i, (node, weight) in enumerate(mixture.RULE):
            assert float(values[i] ** 2) == pytest.approx(node, rel=1e-15)
            assert float(vectors[0, i] ** 2) == pytest.approx(weight, rel=1e-15)


@pytest.mark.parametrize("base", [bases.TANH, bases.X_TANH, bases.LOG_COSH], ids=["tanh", "x tanh", "log cosh"])
def test_coefficients_join_where_the_rule_changes(base: bases.Base) -> None:
    """The two rules, for small and for large scales, agree on both sides of the change, and so do the norms."""
    q = np.array([1.5384615, 1.5384616])
    small, large = series._small(xp, base, q), series._large(xp, base, q)
    for one, other in zip(small, large, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-15 * abs(one).max())


@pytest.mark.parametrize("base", [bases.TANH, bases.X_TANH, bases.LOG_COSH], ids=["tanh", "x tanh", "log cosh"])
@given(st.floats(-6, 4))
def test_parseval_bounds_what_the_series_leaves_out(base: bases.Base, exponent: float) -> None:
    found = series.series(xp, base, np.array([10.0**exponent]))
    squares, k = found.coefficients[:, 0] ** 2, np.array(base.degrees())
    missing = found.missing(xp, base, found.norm, found.slope_norm)[:, 0]
    assert (np.diff(missing) <= 0).all()
    # sums and quotients of the same numbers in another order
    missing *= 1 + 1e-14
    assert (missing[:-1] >= np.cumsum(squares[::-1])[::-1] / found.norm).all()
    assert (missing[:-1] >= np.cumsum((k * squares)[::-1])[::-1] / found.slope_norm).all()


@pytest.mark.parametrize("gap", GAPS)
def test_a_pair_has_the_angle_it_is_asked_for(gap: float) -> None:
    a, b, c = pair(0.3, 4.0, gap, 6, 1).inner()
    found = 1 - MP.mpf(abs(c).numerator) / abs(c).denominator / MP.sqrt(MP.mpf((a * b).numerator) / (a * b).denominator)
    assert float(a) == pytest.approx(0.3)
    assert float(b) == pytest.approx(4.0)
    assert float(found) == pytest.approx(abs(gap), rel=1e-6, abs=1e-16)
    assert math.copysign(1, c) == math.copysign(1, gap)
