"""Symmetric matrices: every public entry that is given one accepts and refuses the same ones, in the same words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from checks.tools import bounds
from glutheory.dynamics import decompose, expected_loss
from glutheory.errors import DomainError
from glutheory.ground.matrices import symmetric
from glutheory.spectra import condition_number, spectrum, spectrum_and_condition

_ONES = np.eye(3)
ENTRIES: dict[str, Callable[[Any], Any]] = {
    "the reader": lambda K: symmetric("K", K),
    "spectrum": spectrum,
    "condition_number": condition_number,
    "spectrum_and_condition": spectrum_and_condition,
    "decompose": decompose,
    "expected_loss": expected_loss,
    "expected_loss, covariance": lambda K: expected_loss(_ONES, K),
    "majorisation_sums": lambda K: bounds.majorisation_sums(K, _ONES),
    "majorisation_sums, C": lambda K: bounds.majorisation_sums(_ONES, K),
    "majorisation_sums, unchecked": lambda K: bounds.majorisation_sums(K, K, validate=False),
    "two_sided_condition": lambda K: bounds.two_sided_condition(K, _ONES),
    "two_sided_condition, G": lambda K: bounds.two_sided_condition(_ONES, K),
}
#: Asymmetries relative to the largest entry that are refused: above half of the digits, 1.5e-8 and 2.4e-4.
SIZES = (1e-16, 1e-14, 1e-12, 1e-10, 1e-9, 1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3)
REFUSED: dict[type, float] = {np.float64: 1.5e-8, np.float32: 2.4e-4}


def skewed(size: float, dtype: type) -> np.ndarray:
    """A correlation matrix with one entry off by `size`."""
    K = np.array([[1.0, 0.5, 0.25], [0.5, 1.0, 0.5], [0.25, 0.5, 1.0]])
    K[2, 0] += size
    return K.astype(dtype)


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize("dtype", REFUSED)
@pytest.mark.parametrize("size", SIZES)
def test_all_accept_and_refuse_alike(name: str, dtype: type, size: float) -> None:
    K = skewed(size, dtype)
    if size > REFUSED[dtype]:
        with pytest.raises(DomainError, match=r" is not symmetric: entry \(0, 2\) is .* and \(2, 0\) is .*; give "):
            ENTRIES[name](K)
    else:
        ENTRIES[name](K)


@pytest.mark.parametrize("name", ENTRIES)
@pytest.mark.parametrize(
    ("value", "words"),
    [
        (np.ones((2, 3)), r" has shape \(2, 3\): give a square matrix with at least one row\."),
        (np.ones((0, 0)), r" has shape \(0, 0\): give a square matrix with at least one row\."),
        (np.ones(3), r" has shape \(3,\): give a square"),
        (np.diag([1, 1, np.nan]), r" has an entry nan at \(2, 2\), which is not finite: remove"),
        (np.diag([1, np.inf, 1]), r" has an entry inf at \(1, 1\), which is not finite: remove"),
        (1j * np.eye(3), " has dtype complex128: give a real matrix"),
        (np.eye(3, dtype=bool), " has dtype bool: give a real matrix"),
        ([["1", "2", "3"]] * 3, " has dtype <U1: give a real matrix"),
        ([[1.0, 2.0], [3.0]], " is a list that is no numpy matrix: give float64 or float32"),
    ],
)
def test_a_bad_matrix_is_one_sentence(name: str, value: Any, words: str) -> None:
    with pytest.raises(DomainError, match=words):
        ENTRIES[name](value)


@pytest.mark.parametrize("power", [0, -1000, 1023])
def test_what_is_averaged_is_known(power: int) -> None:
    K = np.ldexp(skewed(1e-9, np.float64), power)
    found = symmetric("K", K)
    assert np.array_equal(found.given, K)
    assert 0.5 <= found.scaled.max() <= 1
    assert np.array_equal(found.matrix, found.matrix.T)
    assert np.array_equal(found.matrix, np.ldexp(found.scaled, found.exponent))
    assert np.ldexp(found.matrix[0, 2], -power) == pytest.approx(0.25 + 0.5e-9, rel=1e-15)
    assert found.slack * 2.0 ** (found.exponent - power) == pytest.approx(1e-9 / np.sqrt(2), rel=1e-6)


def test_asymmetry_is_counted_in_the_error() -> None:
    """By Weyl the eigenvalues of the given matrix's symmetric part are as far as that from those meant."""
    K = np.array([[2.0, 1.0], [1.0 + 1e-9, 2.0]])
    exact, skew = (decompose(matrix).error for matrix in ((K + K.T) / 2, K))
    assert skew - exact == pytest.approx(1e-9 / np.sqrt(2), rel=1e-5)
    assert symmetric("K", K).error == pytest.approx(1e-9 / np.sqrt(2), rel=1e-6)


def test_rounding_of_a_product_passes() -> None:
    """Both triangles of A Aᵀ, each from another order of summation, in both precisions."""
    rng = np.random.default_rng(0)
    for dtype in (np.float64, np.float32):
        A: Any = rng.standard_normal((20, 5000)).astype(dtype)
        orders = (A, A[:, ::-1])
        forward, backward = (np.add.accumulate(B[:, None] * B[None], axis=2, dtype=dtype)[:, :, -1] for B in orders)
        K = np.triu(forward) + np.tril(backward, -1)
        assert (K != K.T).any()
        assert symmetric("K", K).slack > 0


def test_another_order_than_that_of_the_first() -> None:
    with pytest.raises(DomainError, match=r"C has shape \(3, 3\): give the shape of K, \(2, 2\)\."):
        bounds.majorisation_sums(np.eye(2), np.eye(3))
    with pytest.raises(DomainError, match=r"covariance has shape \(3, 3\): give the shape of K, \(2, 2\)\."):
        expected_loss(np.eye(2), np.eye(3))


def test_torch_matrices_are_read() -> None:
    torch = pytest.importorskip("torch")
    K = torch.tensor([[1.0, 0.5], [0.5 + 1e-4, 1.0]], dtype=torch.float32, requires_grad=True)
    assert symmetric("K", K).slack > 0
    with pytest.raises(DomainError, match="not symmetric"):
        symmetric("K", K.double())
    with pytest.raises(DomainError, match="K is a Tensor that is no numpy matrix"):
        symmetric("K", K.bfloat16())
