"""Bounds on spectra: hand-computed cases, equality, violations that must be seen, and bad input."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tools import bounds
from checks.tools.bounds import Bound
from glutheory.errors import DomainError
from glutheory.numeric import gram
from tests.strategies import datasets

K = np.array([[2.0, 1.0], [1.0, 2.0]])  # eigenvalues 3, 1
HALF = np.array([[1.0, 0.5], [0.5, 1.0]])
SIGNS = np.array([[1.0, -1.0], [-1.0, 1.0]])
G = np.diag([1.0, 4.0])
BAD = np.array([[1.0, 2.0], [2.0, 1.0]])  # eigenvalue −1


def close(found: np.ndarray, *wanted: float) -> bool:
    return np.allclose(found, wanted, rtol=0, atol=1e-14)


class TestByHand:
    def test_majorisation_sums(self) -> None:
        found = bounds.majorisation_sums(K, HALF)
        assert close(found.value, 2.5, 4)
        assert close(found.lower, 2, 4)
        assert close(found.upper, 3, 4)

    def test_two_sided_condition(self) -> None:
        found = bounds.two_sided_condition(K, G)
        assert close(found.value, 0.25)
        assert close(found.lower, 1 / 12)
        assert close(found.upper, 0.25)


class TestEquality:
    def test_signs_change_no_eigenvalue(self) -> None:
        found = bounds.majorisation_sums(K, SIGNS)
        assert close(found.value, *found.upper)
        assert found.holds()

    def test_orthogonal_inputs_attain_the_bound_for_any_norms(self) -> None:
        found = bounds.two_sided_condition(np.diag([1.0, 4.0]), G)
        assert close(found.value, 1 / 16)
        assert close(found.lower, 1 / 16)

    def test_singular_matrices_have_reciprocal_0(self) -> None:
        found = bounds.two_sided_condition(np.ones((2, 2)), np.ones((2, 2)))
        assert found.holds()
        assert close(found.value, 0)

    def test_of_order_one(self) -> None:
        assert bounds.majorisation_sums([[2.0]], [[1.0]]).slack == 0

    def test_the_zero_matrix_has_no_scale(self) -> None:
        assert bounds.majorisation_sums(np.zeros((2, 2)), HALF).slack == 0


VIOLATED: dict[str, Callable[[], Bound]] = {
    "sums, indefinite C": lambda: bounds.majorisation_sums(K, BAD, validate=False),
    "sums, trace": lambda: bounds.majorisation_sums(K, 0.9 * HALF, validate=False),
    "condition": lambda: bounds.two_sided_condition(K, BAD, validate=False),
}


@pytest.mark.parametrize("name", VIOLATED)
def test_a_broken_hypothesis_breaks_the_bound(name: str) -> None:
    found = VIOLATED[name]()
    assert found.slack < -0.01
    assert not found.holds()
    assert found.holds(-found.slack * 1.001)


@given(
    X=datasets().filter(lambda X: bool(np.all(np.abs(X).sum(axis=1) > 0))),
    rank=st.integers(0, 8),
    seed=st.integers(0, 10**6),
    spread=st.sampled_from([0.0, 3.0]),
)
def test_the_theorems_hold(X: np.ndarray, rank: int, seed: int, spread: float) -> None:
    """K of any rank and any scale of its rows, at rank 0 a kernel of the inputs; G and C of the inputs."""
    rng, n = np.random.default_rng(seed), len(X)
    A = rng.standard_normal((n, rank))
    size = np.exp(spread * rng.standard_normal(n))
    first = A @ A.T * np.outer(size, size) if rank else gram("relu", X, kind="nngp")
    G = X @ X.T
    norm = np.sqrt(np.diag(G))
    C = G / np.outer(norm, norm)
    np.fill_diagonal(C, 1.0)
    for found in (
        bounds.majorisation_sums(first, C),
        bounds.two_sided_condition(first, G),
    ):
        assert found.holds(), found
        assert (found.lower <= found.upper + found.rounding * found.scale).all()
    # the values are what a general eigenvalue solver gives
    naive = np.sort(np.linalg.eigvals(first * C).real)[::-1]
    scale = 1e-10 * max(float(np.trace(first)), 1e-300)
    assert np.allclose(bounds.majorisation_sums(first, C).value, np.cumsum(naive), rtol=0, atol=scale)


NOT_SQUARE, SKEW = np.ones((2, 3)), np.array([[1.0, 2.0], [0.0, 1.0]])
ERRORS: dict[str, tuple[Callable[[], Any], str]] = {
    "not square": (lambda: bounds.majorisation_sums(NOT_SQUARE, HALF), r"K has shape \(2, 3\): give a square"),
    "empty": (lambda: bounds.majorisation_sums(np.ones((0, 0)), HALF), "at least one row"),
    "another shape": (lambda: bounds.majorisation_sums(K, np.eye(3)), r"C has shape \(3, 3\): give the shape of"),
    "not symmetric": (lambda: bounds.majorisation_sums(SKEW, HALF), r"K is not symmetric: entry \(0, 1\) is 2"),
    "not finite": (lambda: bounds.majorisation_sums(K, np.full((2, 2), np.inf)), "C has an entry inf"),
    "nan": (lambda: bounds.majorisation_sums(np.full((2, 2), np.nan), HALF), "K has an entry nan"),
    "no unit diagonal": (lambda: bounds.majorisation_sums(K, 1.1 * HALF), r"C has a diagonal off 1 by 0\.1"),
    "indefinite": (lambda: bounds.two_sided_condition(K, BAD), "G has the eigenvalue -1: give a positive semidefinite"),
    "indefinite kernel": (lambda: bounds.two_sided_condition(BAD, G), "K has the eigenvalue -1"),
    "no trace": (lambda: bounds.two_sided_condition(K, np.zeros((2, 2))), "G has trace 0: give matrices"),
}


@pytest.mark.parametrize("name", ERRORS)
def test_bad_input_is_one_sentence(name: str) -> None:
    call, words = ERRORS[name]
    with pytest.raises(DomainError, match=words):
        call()
