"""Steps to an error: against exact iteration, perturbed kernels, closed forms, and the bounds."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from glutheory.dynamics import (
    LossCurve,
    Steps,
    decompose,
    effective_steps,
    expected_loss,
    step_bound,
    steps_to,
    worst_steps,
)
from glutheory.errors import DomainError

#: Eighths: what is exact as a float is exact as a fraction.
EIGHTHS = st.integers(1, 80).map(lambda k: Fraction(k, 8))
MODES = st.lists(st.tuples(EIGHTHS, st.integers(0, 9)), min_size=1, max_size=5).filter(
    lambda rows: any(weight for _, weight in rows)
)


def exact(rows: list[tuple[Fraction, int]], rate: Fraction, error: Fraction) -> int:
    """The loss iterated in rational numbers."""
    start = sum(weight for _, weight in rows)
    terms = [(Fraction(weight), (1 - rate * value) ** 2) for value, weight in rows]
    for k in range(10_000):
        if sum(term for term, _ in terms) <= error**2 * start:
            return k
        terms = [(term * factor, factor) for term, factor in terms]
    raise AssertionError("too many steps")


def curve(rows: list[tuple[Fraction, int]]) -> LossCurve:
    return LossCurve(np.array([float(value) for value, _ in rows]), np.array([float(w) for _, w in rows]))


@settings(max_examples=60, deadline=None)
@given(MODES, st.sampled_from([Fraction(1, 2), Fraction(1, 5), Fraction(1, 32)]), st.booleans())
def test_the_number_is_that_of_exact_iteration(rows: list[tuple[Fraction, int]], error: Fraction, fast: bool) -> None:
    # powers of two: the product with an eigenvalue is exact
    power = Fraction(1, 16) if fast else Fraction(1, 64)
    found, wanted = steps_to(curve(rows), float(error), float(power)), exact(rows, power, error)
    assert found.high is not None
    assert found.low <= wanted <= found.high
    # only a loss that meets the target to the last bits is left open, by one step
    assert found.high - found.low <= 1


@settings(max_examples=60, deadline=None)
@given(MODES, st.floats(1e-6, 0.9), st.booleans())
def test_between_the_bounds_of_the_target_and_of_all_targets(
    rows: list[tuple[Fraction, int]], error: float, optimal: bool
) -> None:
    given_ = curve(rows)
    rate = given_.optimal_rate if optimal else 1 / float(given_.eigenvalues.max())
    found, bounds = steps_to(given_, error, rate), effective_steps(given_, error, rate)
    assert found.high is not None
    # the bounds are floats, and equalities occur
    assert found.high >= bounds.low * (1 - 1e-9)
    assert found.low <= math.ceil(bounds.high * (1 + 1e-9))
    condition = float(given_.eigenvalues.max() / given_.eigenvalues.min())
    assert found.low <= step_bound(condition, error, optimal=optimal)
    assert bounds.condition <= (condition if not optimal else (condition + 1) / 2) * (1 + 1e-9)


@pytest.mark.parametrize("condition", [1.5, 30.0, 1e4, 1e12, 1e60, 1e250])
@pytest.mark.parametrize("optimal", [False, True])
def test_the_bottom_eigenvector_in_many_digits(condition: float, optimal: bool) -> None:
    error = 1e-3
    with mpmath.workdps(320):
        kappa = mpmath.mpf(condition)
        factor = (kappa - 1) / (kappa + 1) if optimal else 1 - 1 / kappa
        wanted = int(mpmath.ceil(mpmath.log(1 / mpmath.mpf(error)) / -mpmath.log(factor)))
    found = worst_steps(condition, error, optimal=optimal)
    assert abs(found - wanted) <= 1e-13 * wanted
    assert (1 - 1e-13) * (condition - 1) * math.log(1 / error) / (2 if optimal else 1) <= found
    assert found <= step_bound(condition, error, optimal=optimal)
    # the same from the modes; at the best rate 1 − ηλ of the top is −1 + 2/κ, which a float holds up to 1e12 only
    if not optimal or condition <= 1e12:
        given_ = LossCurve(np.array([1.0, condition]), np.array([1.0, 0.0]))
        steps = steps_to(given_, error, given_.optimal_rate if optimal else 1 / condition)
        assert steps.high is not None
        assert steps.low * (1 - 1e-12) <= wanted <= steps.high * (1 + 1e-12)
        assert steps.high - steps.low <= 1 + 1e-9 * wanted


def test_every_kernel_within_the_error_is_between_the_bounds() -> None:
    rng = np.random.default_rng(0)
    A = rng.standard_normal((6, 9))
    K, Y = A @ A.T, rng.standard_normal(6)
    modes = decompose(K)
    bent = LossCurve(modes.values, np.sum((modes.vectors.T @ Y[:, None]) ** 2, axis=1), 1e-3)
    rate = 1 / float(modes.values.max())
    found = steps_to(bent, 1e-3, rate)
    assert found.high is not None
    assert not found.exact
    for seed in range(50):
        E = np.random.default_rng(seed).standard_normal((6, 6))
        E = E + E.T
        near = K + 1e-3 * E / np.linalg.norm(E, 2)
        e, k = Y.copy(), 0
        while np.linalg.norm(e) > 1e-3 * np.linalg.norm(Y):
            e, k = e - rate * near @ e, k + 1
        assert found.low <= k <= found.high


def test_a_mode_that_is_not_told_from_0_may_never_be_learned() -> None:
    found = steps_to(LossCurve(np.array([1e-9, 1.0]), np.array([1.0, 1.0]), 1e-8), 0.1, 1.0)
    assert found.high is None
    assert found.low > 1e6
    assert found.value == math.inf
    assert not found.exact


def test_targets_without_weight_in_the_slow_modes_are_learned_at_once() -> None:
    found = steps_to(LossCurve(np.array([1e-6, 1.0]), np.array([0.0, 1.0])), 0.1, 1.0)
    assert found == Steps(1, 1)


def test_the_expected_loss_counts_the_random_outputs() -> None:
    K, Y = np.diag([1.0, 4.0]), np.array([0.0, 1.0])
    alone, noisy = expected_loss(K, None, Y), expected_loss(K, np.eye(2), Y)
    assert steps_to(alone, 0.1, 0.25) == Steps(1, 1)
    # (1/3)(3/4)^{2k} <= 0.01
    assert steps_to(noisy, 0.1, 0.25) == Steps(7, 7)


@pytest.mark.parametrize(
    ("error", "rate", "named"),
    [(0.0, 0.1, "error"), (1.0, 0.1, "error"), (math.nan, 0.1, "error"), (0.1, 0.0, "rate"), (0.1, 0.5, "rate")],
)
def test_bad_arguments(error: float, rate: float, named: str) -> None:
    given_ = LossCurve(np.array([1.0, 4.0]), np.array([1.0, 1.0]))
    for work in (steps_to, effective_steps):
        with pytest.raises(DomainError, match=f"^{named} is"):
            work(given_, error, rate)


def test_bad_condition_numbers_and_targets() -> None:
    for work in (step_bound, worst_steps):
        with pytest.raises(DomainError, match=r"^condition is 0\.5"):
            work(0.5, 0.1)
        with pytest.raises(DomainError, match=r"^error is"):
            work(2.0, 2.0)
    with pytest.raises(DomainError, match="no loss at the start"):
        steps_to(LossCurve(np.array([1.0]), np.array([0.0])), 0.1, 0.1)
