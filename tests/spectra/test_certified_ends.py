"""Certified extreme eigenvalues: the truth inside, and the balls narrow."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb, arb_mat, ctx, fmpq, fmpq_mat
from hypothesis import given, settings
from hypothesis import strategies as st

import glutheory
from glutheory import DomainError, PrecisionError
from glutheory.ground.balls import precision
from glutheory.spectra import certified_condition, certified_extremes, spectrum


def _matrix(rows: object, bits: int = 512) -> arb_mat:
    with precision(bits):
        return arb_mat([[_ball(x) for x in row] for row in rows])  # type: ignore[attr-defined]


def _ball(x: object) -> arb:
    if isinstance(x, Fraction | sp.Rational):
        return arb(fmpq(int(x.numerator), int(x.denominator)))
    return x if isinstance(x, arb) else arb(float(x))  # type: ignore[arg-type]


def _close(value: arb, truth: arb | str, digits: int) -> None:
    """The ball contains the truth, a far narrower ball or more decimals, and is narrow."""
    with precision(2200):
        truth = arb(truth)
        assert value.contains(truth)
        assert value.rad() <= abs(truth).lower() * arb(10) ** -digits


def mpmath_extremes(K: fmpq_mat, digits: int) -> list[str]:
    """The extreme eigenvalues by mpmath's QR iteration, in decimals."""
    with mpmath.workdps(digits + 20):
        rows = [[mpmath.mpf(int(x.p)) / int(x.q) for x in row] for row in K.tolist()]
        values = mpmath.eigsy(mpmath.matrix(rows), eigvals_only=True)
        return [mpmath.nstr(x, digits) for x in (values[0], values[len(rows) - 1])]


def _root(expression: sp.Expr) -> arb:
    with precision(600):
        return arb(str(sp.N(expression, 120)))


@settings(max_examples=25)
@given(st.lists(st.fractions(-9, 9, max_denominator=50), min_size=6, max_size=6), st.sampled_from([5, 15, 40]))
def test_rational_matrices_of_order_three(entries: list[Fraction], digits: int) -> None:
    """A Aᵀ + I with triangular A: the characteristic polynomial, exact, changes sign across the balls."""
    a, b, c, d, e, f = (fmpq(x.numerator, x.denominator) for x in entries)
    A = fmpq_mat([[a, b, c], [0, d, e], [0, 0, f]])
    K = A * A.transpose() + fmpq_mat([[int(i == j) for j in range(3)] for i in range(3)])
    with precision(400):
        low, high = certified_extremes(arb_mat(K), digits=digits)
        truth = mpmath_extremes(K, 100)
        for ball, text in zip((low, high), truth, strict=True):
            _close(ball, text, digits)


def test_order_two_in_surds() -> None:
    K = sp.Matrix([[2, sp.Rational(1, 3)], [sp.Rational(1, 3), 1]])
    root = sp.sqrt(sp.Rational(1, 4) + sp.Rational(1, 9))
    low, high = certified_extremes(_matrix(K.tolist()), digits=50)
    _close(low, _root(sp.Rational(3, 2) - root), 50)
    _close(high, _root(sp.Rational(3, 2) + root), 50)


@pytest.mark.parametrize("n", [2, 3, 10, 40])
def test_tridiagonal_toeplitz(n: int) -> None:
    """λ_k = 2 − 2cos(kπ/(n+1)), and its condition number cot²(π/(2n+2))."""
    rows = (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)).tolist()
    low, high = certified_extremes(_matrix(rows), digits=25)
    with precision(400):
        angle = arb.pi() / (2 * n + 2)
        least, most = 4 * angle.sin() ** 2, 4 * angle.cos() ** 2
    _close(low, least, 25)
    _close(high, most, 25)
    with precision(400):
        _close(certified_condition(_matrix(rows), digits=12), most / least, 12)


@pytest.mark.parametrize("n", [3, 8, 16])
def test_hilbert_matrices(n: int) -> None:
    """Condition numbers to 1e22, against mpmath at 60 digits."""
    with precision(500):
        K = arb_mat.hilbert(n, n)
    with mpmath.workdps(60):
        values = mpmath.eigsy(mpmath.matrix(n, n) + mpmath.hilbert(n), eigvals_only=True)
        truth = [mpmath.nstr(x, 30) for x in (values[0], values[n - 1])]
    for ball, text in zip(certified_extremes(K), truth, strict=True):
        _close(ball, text, 15)


def test_a_multiple_smallest_eigenvalue_near_zero() -> None:
    """J + ε I of order 30: ε 29-fold, 30 + ε once; the cluster and the small ε together."""
    for exponent in (3, 20, 300):
        with precision(2200):
            eps = arb(10) ** -exponent
            eps = arb(eps.mid())
            K = arb_mat([[1 + (eps if i == j else 0) for j in range(30)] for i in range(30)])
        low, high = certified_extremes(K)
        with precision(2200):
            truth = eps, 30 + eps
        _close(low, truth[0], 15)
        _close(high, truth[1], 15)


def test_clusters_closer_than_the_digits_asked_for() -> None:
    rows = [[Fraction(1) if i == j else Fraction(0) for j in range(12)] for i in range(12)]
    for i in range(12):
        rows[i][i] += Fraction(i, 10**17)
    rows[0][11] = rows[11][0] = Fraction(1, 10**18)
    low, high = certified_extremes(_matrix(rows), digits=12)
    # 1 + k·1e-17 on the diagonal: the ends are moved by at most 1e-18 (Weyl)
    for ball, value in ((low, Fraction(0)), (high, Fraction(11, 10**17))):
        with precision(300):
            assert ball.overlaps(_ball(1 + value) + arb(0, 1e-18))
            assert ball.rad() < 1e-12


def test_a_start_that_misses_the_smallest_eigenvector() -> None:
    """A matrix whose small eigenvalues float64 cannot tell: what rounding offers as a vector must be corrected."""
    n = 12
    with precision(2000):
        H = arb_mat.hilbert(n, n)
        K = H * H * H  # condition number about 1e49
    with mpmath.workdps(160):
        values = mpmath.eigsy(mpmath.matrix(n, n) + mpmath.hilbert(n), eigvals_only=True)
        truth = [mpmath.nstr(x**3, 60) for x in (values[0], values[n - 1])]
    for ball, text in zip(certified_extremes(K, digits=30), truth, strict=True):
        _close(ball, text, 30)


def test_negative_eigenvalues() -> None:
    low, high = certified_extremes(_matrix([[0, 1], [1, 0]]))
    assert low.contains(-1)
    assert high.contains(1)
    low, high = certified_extremes(_matrix([[-3, 0], [0, -2]]))
    assert low.contains(-3)
    assert high.contains(-2)


def test_order_one_and_zero() -> None:
    for ball in certified_extremes(_matrix([[Fraction(1, 3)]])):
        with precision(600):
            _close(ball, _ball(Fraction(1, 3)), 15)
    assert certified_extremes(arb_mat(2, 2)) == (arb(0), arb(0))


@pytest.mark.parametrize("scale", [Fraction(1), Fraction(2) ** 4000, Fraction(1, 2**4000)])
def test_scale(scale: Fraction) -> None:
    rows = [[scale * x for x in row] for row in ((Fraction(2), Fraction(1)), (Fraction(1), Fraction(2)))]
    low, high = certified_extremes(_matrix(rows))
    with precision(100):
        assert (low / _ball(scale)).contains(1)
        assert (high / _ball(scale)).contains(3)


@given(seed=st.integers(0, 2**32), n=st.integers(2, 6), radius=st.sampled_from([1e-12, 1e-6, 1e-3]))
def test_the_radii_are_covered(seed: int, n: int, radius: float) -> None:
    """Every symmetric matrix in the balls has its extremes in the result."""
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, n + 2))
    mid = np.round(X @ X.T * 2**20) / 2**20 + np.eye(n)
    K = arb_mat([[arb(float(x), radius) for x in row] for row in mid])
    try:
        low, high = certified_extremes(K, digits=2)
    except PrecisionError as error:
        low, high = error.reached
    signs = np.triu(rng.choice([-1.0, 1.0], (n, n)))
    for factor in (0.999, -0.999):
        found = spectrum(mid + factor * radius * (signs + np.triu(signs, 1).T))
        for ball, value in ((low, found.smallest), (high, found.largest)):
            assert ball.overlaps(arb(value, found.error))
            assert float(ball.rad()) < 2 * n * radius + 1e-2 * abs(value)


def test_kernel_matrices_agree_with_floating_point() -> None:
    X = np.random.default_rng(3).standard_normal((20, 5))
    K = glutheory.gram("swiglu", X)
    low, high = certified_extremes(_matrix(K))
    found = spectrum(K)
    assert abs(float(low) - found.smallest) <= found.error
    assert abs(float(high) - found.largest) <= found.error


def _wide() -> arb_mat:
    return arb_mat([[arb(1, 1e-20), arb(1, 1e-8)], [arb(1, 1e-8), 1.5]])


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (_wide, "give narrower balls"),
        (lambda: _matrix([[1, 1], [1, 1]]), "is K singular"),
        # singular to the last bit in inverse iteration too
        *((lambda n=n: _matrix(np.ones((n, n))), "is K singular") for n in (3, 5)),
        (lambda: _matrix(np.outer([1, 2, 3], [1, 2, 3])), "is K singular"),
        (lambda: _matrix(-np.ones((3, 3))), "the largest eigenvalue is .*is K singular"),
        (lambda: arb_mat([[arb(1, 2), 0], [0, 1]]), "give narrower balls"),
    ],
)
def test_what_cannot_be_reached_is_said_with_what_was(matrix: Callable[[], arb_mat], message: str) -> None:
    before = ctx.prec
    with pytest.raises(PrecisionError, match=message) as caught:
        certified_extremes(matrix())
    assert ctx.prec == before
    low, high = caught.value.reached
    K = [[float(x.mid()) for x in row] for row in matrix().tolist()]
    values = np.linalg.eigvalsh(np.array(K))
    assert low.overlaps(arb(float(values[0]), 1e-15))
    assert high.overlaps(arb(float(values[-1]), 1e-15))
    with pytest.raises(PrecisionError):
        certified_condition(matrix())


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (lambda: np.eye(2), "ndarray"),
        (lambda: arb_mat(2, 3), "square"),
        (lambda: arb_mat(0, 0), "at least one row"),
        (lambda: arb_mat([[1, 2], [3, 1]]), "not symmetric"),
        (lambda: arb_mat([[1, arb.nan()], [arb.nan(), 1]]), "finite"),
    ],
)
def test_bad_matrices(matrix: Callable[[], arb_mat], message: str) -> None:
    with pytest.raises(DomainError, match=message):
        certified_extremes(matrix())


def test_bad_digits_and_a_matrix_that_is_no_kernel() -> None:
    with pytest.raises(DomainError, match="digits"):
        certified_extremes(_matrix([[1.0]]), digits=0)
    with pytest.raises(DomainError, match="not positive semidefinite"):
        certified_condition(_matrix([[0, 1], [1, 0]]))
    for n in (1, 3):
        with pytest.raises(DomainError, match="K is singular: its smallest eigenvalue is 0"):
            certified_condition(arb_mat(n, n))


def test_the_precision_is_restored() -> None:
    before = ctx.prec
    certified_condition(_matrix([[2, 1], [1, 2]]), digits=100)
    assert ctx.prec == before


def test_order_one_hundred() -> None:
    n = 100
    rows = (2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)).tolist()
    with precision(400):
        angle = arb.pi() / (2 * n + 2)
        truth = 1 / angle.tan() ** 2
    _close(certified_condition(_matrix(rows), digits=15), truth, 15)
