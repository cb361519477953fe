"""`condition_number`: intervals, lower bounds, and singular matrices said to be so."""

from __future__ import annotations

import math

import numpy as np
import pytest

import glutheory
from glutheory import DomainError
from glutheory.spectra import (
    condition_number,
)
from glutheory.spectra.dense import ConditionNumber
from tests.spectra.matrices import with_eigenvalues


def test_an_unresolved_smallest_eigenvalue_gives_a_lower_bound() -> None:
    """The figure would be noise; the bound is true, and close to what float64 can say."""
    found = condition_number(with_eigenvalues([1.0] * 7 + [0.0]))
    assert found.is_bound
    assert found.low == found.value
    assert found.reason
    assert 1e13 < found.value < 1e17
    assert str(found).startswith("≥ ")
    assert not condition_number(with_eigenvalues([1.0] + [2.0**-20] * 15)).is_bound


@pytest.mark.parametrize(
    ("X", "reason"),
    [
        (np.array([[1.0, 0.0], [2.0, 1.0], [1.0, 0.0]]), "rows 0 and 2 are equal"),
        (np.array([[1.0, 0.0], [2.0, 1.0], [-1.0, 0.0]]), "rows 0 and 2 are equal up to sign"),
        (np.array([[1.0, 0.0], [0.0, 0.0]]), "row 1 is zero"),
        (np.array([[0.0]]), "row 0 is zero"),
    ],
)
def test_singular_by_structure(X: np.ndarray, reason: str) -> None:
    found = condition_number(X @ X.T)
    assert math.isinf(float(found))
    assert math.isinf(found.low)
    assert not found.is_bound
    assert reason in str(found)
    if len(X) > 1:
        blurred = condition_number(X @ X.T, entry_error=1e-8)
        assert math.isinf(blurred.value)
        assert 1e6 < blurred.low < 1e9


def test_duplicates_in_the_data_are_seen_through_the_kernel() -> None:
    X = np.random.default_rng(1).standard_normal((6, 4))
    X[5] = X[2]
    found = condition_number(glutheory.gram("swiglu", X))
    assert math.isinf(found.value)
    assert "rows 2 and 5" in found.reason


def test_not_positive_semidefinite() -> None:
    with pytest.raises(DomainError, match="not positive semidefinite: λ_min is -1 of its norm"):
        condition_number(np.array([[0.0, 1.0], [1.0, 0.0]]))
    with pytest.raises(DomainError, match="not positive semidefinite"):
        condition_number(np.array([[-1.0]]))


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (ConditionNumber(191.8123, 191.8, 191.83), "191.8"),
        (ConditionNumber(8.2e5, 8.1999e5, 8.2001e5), "8.2e5"),
        (ConditionNumber(3.27e15, 3.27e15, math.inf, True), "≥ 3.2e15"),
        (ConditionNumber(1.0, 1.0, math.inf, True), "≥ 1"),
        (ConditionNumber(47.9, 47.9, math.inf, True), "≥ 47"),
        (ConditionNumber(200.0, 150.0, 300.0), "200 (between 150 and 300)"),
        (ConditionNumber(math.inf, math.inf, math.inf, reason="row 0 is zero"), "inf (row 0 is zero)"),
    ],
)
def test_condition_numbers_as_text(number: ConditionNumber, text: str) -> None:
    assert str(number) == text
    assert float(number) == number.value


def test_condition_number_is_public() -> None:
    assert glutheory.condition_number is condition_number
    assert str(glutheory.condition_number(np.eye(3))) == "1"
    assert condition_number(np.array([[2.0]]), entry_error=0.5) == ConditionNumber(1.0, 1.0, 1.0)


def nearly_equal(seed: int) -> np.ndarray:
    """Twenty rows of which two are 1e-6 apart."""
    X = np.random.default_rng(seed).standard_normal((20, 30))
    X[1] = X[0] + 1e-6 * np.random.default_rng(seed + 1).standard_normal(30)
    return X


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("form", ["gram", "inner products", "rounded", "torch"])
def test_float32_gives_a_lower_bound_where_it_cannot_tell(seed: int, form: str) -> None:
    """A figure from float32 entries would be made of their rounding, and half of the matrices have negative ends."""
    X = nearly_equal(seed)
    if form == "gram":
        true, single = glutheory.gram("swiglu", X), glutheory.gram("swiglu", X.astype(np.float32))
    elif form == "torch":
        torch = pytest.importorskip("torch")
        true, single = X @ X.T, torch.tensor((X @ X.T).astype(np.float32))
    else:
        rows = X.astype(np.float32)
        true, single = X @ X.T, rows @ rows.T if form == "inner products" else (X @ X.T).astype(np.float32)
    exact, found = condition_number(true), condition_number(single)
    assert exact.value > 1e11
    assert not exact.is_bound
    assert found.is_bound
    assert str(found).startswith("≥ ")
    assert 1e4 < found.value < exact.low
    # a negative control: taken as exact the same matrix has a wrong figure, or none
    try:
        claimed = condition_number(single, entry_error=0.0)
    except DomainError:
        return
    assert not claimed.low <= exact.value <= claimed.high


def test_float32_is_enough_for_a_well_conditioned_matrix() -> None:
    X = np.random.default_rng(3).standard_normal((20, 60))
    exact, found = condition_number(X @ X.T), condition_number((X @ X.T).astype(np.float32))
    assert not found.is_bound
    assert found.low <= exact.value <= found.high
    assert found.high / found.low < 1.01


def test_half_precision_is_half_as_fine() -> None:
    found = condition_number(np.diag([1.0, 5e-3]).astype(np.float16))
    assert found.is_bound
    assert 50 < found.value < 200


@pytest.mark.filterwarnings("ignore:the matrix subclass")
def test_a_matrix_of_numpy_is_one() -> None:
    assert condition_number(np.matrix(np.eye(3))).value == 1
