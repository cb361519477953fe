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
    Effective,
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
    with mpmath.workdps(600):
        kappa = mpmath.mpf(condition)
        factor = (kappa - 1) / (kappa + 1) if optimal else 1 - 1 / kappa
        wanted = int(mpmath.ceil(mpmath.log(1 / mpmath.mpf(error)) / -mpmath.log(factor)))
        enough = int(mpmath.ceil(kappa * mpmath.log(1 / mpmath.mpf(error)) / (2 if optimal else 1)))
    found = worst_steps(condition, error, optimal=optimal)
    assert found == wanted
    assert step_bound(condition, error, optimal=optimal) == enough >= found
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


def by_powers(condition: float, error: float, optimal: bool) -> int:
    """The first k at which the power of the factor, a fraction, is at most ε."""
    kappa, k, power = Fraction(condition), 0, Fraction(1)
    factor = (kappa - 1) / (kappa + 1 if optimal else kappa)
    while power > Fraction(error):
        power, k = power * factor, k + 1
    return k


@pytest.mark.parametrize("optimal", [False, True])
@pytest.mark.parametrize(
    ("condition", "error"),
    [
        *((2.0, 2.0**-k) for k in (1, 28, 29, 30, 47, 1074)),  # equalities: (1 − 1/2)^k
        *((7.0, 0.75**k) for k in (1, 8, 19)),  # (7 − 1)/(7 + 1)
        *((4.0, 0.75**k) for k in (1, 7, 33)),
        *((5 / 3, math.nextafter(0.25**k, side)) for k in (5, 20) for side in (0, 1)),  # a unit beside 0.25^k
        (1.0, 0.3),
        (1.0 + 2.0**-52, 5e-324),
        (50.0, 1e-3),
    ],
)
def test_the_worst_target_by_powers_of_fractions(condition: float, error: float, optimal: bool) -> None:
    found = worst_steps(condition, error, optimal=optimal)
    assert found == by_powers(condition, error, optimal)
    assert type(found) is int


@given(EIGHTHS.filter(lambda kappa: kappa >= 1), st.integers(1, 15), st.booleans())
def test_the_worst_target_at_and_beside_powers(kappa: Fraction, k: int, optimal: bool) -> None:
    power = ((kappa - 1) / (kappa + 1 if optimal else kappa)) ** k
    for error in (float(power), math.nextafter(float(power), 0), math.nextafter(float(power), 1)):
        if 0 < error < 1:
            assert worst_steps(float(kappa), error, optimal=optimal) == by_powers(float(kappa), error, optimal)


@pytest.mark.parametrize(
    ("condition", "error"), [(3e16, 1e-3), (1e308, 5e-324), (1e308, 1e-300), (1e300, 1 - 2.0**-53), (1e16, 0.5)]
)
@pytest.mark.parametrize("optimal", [False, True])
def test_the_bound_is_enough_for_the_worst_target(condition: float, error: float, optimal: bool) -> None:
    with mpmath.workdps(1000):
        kappa, length = mpmath.mpf(condition), -mpmath.log(mpmath.mpf(error))
        enough = int(mpmath.ceil(kappa * length / (2 if optimal else 1)))
        factor = (kappa - 1) / (kappa + 1) if optimal else 1 - 1 / kappa
        needed = int(mpmath.ceil(length / -mpmath.log(factor)))
    assert step_bound(condition, error, optimal=optimal) == enough >= needed
    assert worst_steps(condition, error, optimal=optimal) == needed


def test_a_mode_of_eigenvalue_0_is_never_learned() -> None:
    """It has half of the loss, which does not fall to 1 %; with 0.001 % of it the other mode is what counts."""
    flat = np.array([0.0, 1.0])
    assert effective_steps(LossCurve(flat, np.ones(2)), 0.1, 1.0) == Effective(math.inf, math.inf, math.inf)
    found = effective_steps(LossCurve(flat, np.array([1e-5, 1 - 1e-5])), 0.1, 0.5)
    # ½ ln[(1 − τ)/(ε² − τ)]/ln 2 with τ = 1e-5
    assert found.high == pytest.approx(math.log((1 - 1e-5) / (0.01 - 1e-5)) / 2 / math.log(2))
    assert found.condition == pytest.approx(2)


@pytest.mark.parametrize("value", ["a", None, [0.1, 0.2], math.inf, math.nan, 1 + 1j])
def test_what_is_no_number_is_refused_in_one_sentence(value: object) -> None:
    given_ = LossCurve(np.array([1.0, 4.0]), np.array([1.0, 1.0]))
    for named, call in (
        ("error", lambda: steps_to(given_, value, 0.1)),  # type: ignore[arg-type]
        ("error", lambda: effective_steps(given_, value, 0.1)),  # type: ignore[arg-type]
        ("error", lambda: step_bound(2.0, value)),  # type: ignore[arg-type]
        ("rate", lambda: steps_to(given_, 0.1, value)),  # type: ignore[arg-type]
        ("condition", lambda: worst_steps(value, 0.1)),  # type: ignore[arg-type]
    ):
        with pytest.raises(DomainError, match=f"^{named} is "):
            call()


def test_bad_condition_numbers_and_targets() -> None:
    for work in (step_bound, worst_steps):
        with pytest.raises(DomainError, match=r"^condition is 0\.5"):
            work(0.5, 0.1)
        with pytest.raises(DomainError, match=r"^error is"):
            work(2.0, 2.0)
    with pytest.raises(DomainError, match="no loss at the start"):
        steps_to(LossCurve(np.array([1.0]), np.array([0.0])), 0.1, 0.1)
