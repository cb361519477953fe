"""`spectrum`: every eigenvalue within its stated error, from 1e-300 to 1e300; matrices that are refused."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from glutheory import DomainError
from glutheory.spectra import (
    condition_number,
    spectrum,
)
from tests.spectra.matrices import with_eigenvalues

#: name -> eigenvalues, all sums of which are exact in float64
KNOWN: dict[str, list[float]] = {
    "graded": [2.0 ** -(k // 2) for k in range(64)],
    "steep": [1.0] + [2.0**-40] * 31,
    "two clusters": [3.0] * 64 + [1.0 + 2.0**-30 * k for k in range(64)],
    "one point": [5.0] * 32,
    "indefinite": [(-1.0) ** k * (k + 1) for k in range(256)],
    "of order one": [7.0],
}


@pytest.mark.parametrize("name", KNOWN)
def test_every_eigenvalue_is_within_the_stated_error(name: str) -> None:
    values = np.sort(np.array(KNOWN[name]))[::-1]
    found = spectrum(with_eigenvalues(KNOWN[name]))
    assert np.max(np.abs(found.values - values)) <= found.error
    # an error bound must also be worth something
    assert found.error <= 1e-15 * 2 * len(values) * np.max(np.abs(values))
    assert (found.n, found.largest, found.smallest) == (len(values), found.values[0], found.values[-1])
    assert found.trace == pytest.approx(math.fsum(values), rel=1e-12)
    with pytest.raises(ValueError, match="read-only"):
        found.values[0] = 0


def test_the_bound_covers_a_matrix_from_a_difference_equation() -> None:
    """A tridiagonal Toeplitz matrix of order 500: λ_k = 2 − 2cos(kπ/(n+1))."""
    n = 500
    K = 2 * np.eye(n) - np.eye(n, k=1) - np.eye(n, k=-1)
    exact = 4 * np.sin(np.arange(n, 0, -1) * np.pi / (2 * n + 2)) ** 2
    found = spectrum(K)
    assert np.max(np.abs(found.values - exact)) <= found.error
    condition = condition_number(K)
    assert condition.low <= exact[0] / exact[-1] <= condition.high
    assert not condition.is_bound
    assert float(condition) == pytest.approx(exact[0] / exact[-1], rel=1e-7)


@pytest.mark.parametrize("exponent", [-1000, -300, 0, 300, 1000])
def test_scaling_by_a_power_of_two_changes_nothing(exponent: int) -> None:
    K = with_eigenvalues(KNOWN["graded"][:16])
    base, scaled = spectrum(K), spectrum(np.ldexp(K, exponent))
    assert np.array_equal(np.ldexp(base.values, exponent), scaled.values)
    # at k = −1000 the bound is below 2⁻¹⁰²², and rounded up
    assert 0 <= scaled.error - math.ldexp(base.error, exponent) <= 2.0**-1074
    assert condition_number(np.ldexp(K, exponent)) == condition_number(K)


@pytest.mark.parametrize("exponent", [-1074, -1073, -1040])
def test_what_is_rounded_below_the_normal_numbers_is_in_the_error(exponent: int) -> None:
    """λ = (5 ± √5)/2 of [[3, 1], [1, 2]], times 2^k: they are 4 and 1 at k = −1074."""
    for K, centre in (([[3.0, 1.0], [1.0, 2.0]], 2.5), ([[6.0, 2.0], [2.0, 4.0]], 5.0)):
        half = centre * math.sqrt(5) / 5
        found = spectrum(np.ldexp(K, exponent))
        for value, exact in zip(found.values, (centre + half, centre - half), strict=True):
            # in whole units of 2^−1074, which float64 holds
            assert abs(math.ldexp(value, 1074) - math.ldexp(exact, exponent + 1074)) <= math.ldexp(found.error, 1074)
        assert float(condition_number(np.ldexp(K, exponent))) == pytest.approx((5 + 5**0.5) / (5 - 5**0.5))
    assert spectrum(np.zeros((2, 2))).error == 0


def test_entries_from_1e_300_to_1e300() -> None:
    found = condition_number(np.diag([1e300, 1.0, 1e-300]))
    assert found.is_bound
    assert 1e14 < found.value < 1e16
    assert str(found) == "≥ 3e14"
    assert math.isinf(found.high)


def test_eigenvalues_beyond_float64_are_refused_but_their_ratio_is_known() -> None:
    K = np.full((2, 2), 1e308) + 0.5e308 * np.eye(2)
    with pytest.raises(DomainError, match="beyond float64"):
        spectrum(K)
    assert float(condition_number(K)) == pytest.approx(5, rel=1e-12)


@given(seed=st.integers(0, 2**32), e=st.sampled_from([1e-12, 1e-6, 1e-3]), n=st.integers(2, 12))
def test_the_entry_error_covers_every_perturbation_of_its_size(seed: int, e: float, n: int) -> None:
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 2 * n)) * np.exp(rng.standard_normal((n, 1)))
    K = X @ X.T
    K = (K + K.T) / 2
    root = np.sqrt(np.diagonal(K))
    signs = np.triu(rng.choice([-1.0, 1.0], (n, n)))
    moved = K + e * (signs + np.triu(signs, 1).T) * np.outer(root, root)
    found, other = spectrum(K, entry_error=e), spectrum(moved)
    assert np.max(np.abs(found.values - other.values)) <= found.error + other.error
    condition = condition_number(K, entry_error=e)
    if other.smallest > 0:
        assert condition.low <= other.largest / other.smallest <= condition.high


def test_float32_and_torch_and_integers() -> None:
    torch = pytest.importorskip("torch")
    K = np.array([[2, 1], [1, 2]])
    for given_as in (K, K.astype(np.float32), torch.tensor(K), torch.tensor(K, dtype=torch.float32), K.tolist()):
        assert spectrum(given_as).values == pytest.approx([3, 1], rel=1e-15)
    parameter = torch.tensor(K, dtype=torch.float64, requires_grad=True)
    assert str(condition_number(parameter)) == "3"
    with pytest.raises(DomainError, match="no numpy matrix"):
        spectrum(torch.tensor(K, dtype=torch.bfloat16))


def test_rounding_asymmetry_is_averaged_and_counted() -> None:
    K = np.array([[2.0, 1.0], [1.0 + 1e-9, 2.0]])
    found = spectrum(K)
    assert found.values == pytest.approx([3.0, 1.0], rel=1e-9)
    assert 0.7e-9 < found.error < 1e-9


@pytest.mark.parametrize(
    ("K", "message"),
    [
        (np.zeros((0, 0)), "shape"),
        (np.zeros((2, 3)), "shape"),
        (np.zeros(3), "shape"),
        (np.array([[1.0, 2.0], [3.0, 1.0]]), "not symmetric: entry .0, 1. is 2"),
        (np.array([[1.0, np.nan], [np.nan, 1.0]]), "not finite"),
        (np.array([[np.inf]]), "not finite"),
        (np.eye(2) * 1j, "dtype"),
        (np.array([["a"]]), "dtype"),
        ([[1.0, 2.0], [3.0]], "no numpy matrix"),
    ],
)
def test_bad_matrices(K: object, message: str) -> None:
    for function in (spectrum, condition_number):
        with pytest.raises(DomainError, match=message):
            function(K)


@pytest.mark.parametrize("entry_error", [-1.0, math.nan, math.inf])
def test_bad_entry_errors(entry_error: float) -> None:
    with pytest.raises(DomainError, match="entry_error"):
        spectrum(np.eye(2), entry_error=entry_error)
