"""Power laws: exact data, naive least squares, coverage of the intervals, and wrong input."""

from __future__ import annotations

import itertools
import math
import sys
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks.tools.exponents import PowerLaw, power_law
from glutheory.errors import DomainError, MissingDependencyError

pytest.importorskip("statsmodels", reason="the statistics of the checks need statsmodels")

GRID = np.array(list(itertools.product([100.0, 215.0, 464.0, 1000.0], [9.0, 19.0, 42.0, 90.0])))
N, D = GRID.T


@given(st.floats(-3, 3), st.floats(-3, 3), st.floats(1e-6, 1e6))
def test_an_exact_power_law_is_found(alpha: float, beta: float, constant: float) -> None:
    fit = power_law(constant * N**alpha * D**beta, n=N, d=D)
    assert fit.names == ("n", "d")
    assert fit.exponents == pytest.approx((alpha, beta), abs=1e-9)
    assert fit.constant == pytest.approx(constant, rel=1e-8)
    assert fit.residual < 1e-9
    assert fit(n=7, d=3) == pytest.approx(constant * 7**alpha * 3**beta, rel=1e-8)
    assert fit.points == 16


def test_the_estimate_is_that_of_least_squares_and_the_covariance_that_of_its_definition() -> None:
    rng = np.random.default_rng(1)
    y = np.exp(rng.standard_normal(16))
    fit = power_law(y, level=0.9, n=N, d=D)
    design = np.column_stack([np.ones(16), np.log(N), np.log(D)])
    found = np.linalg.lstsq(design, np.log(y), rcond=None)[0]
    assert (math.log(fit.constant), *fit.exponents) == pytest.approx(tuple(found))
    # HC3: leave-one-out residuals, one after the other
    total = np.zeros((3, 3))
    for i in range(16):
        keep = np.arange(16) != i
        others = np.linalg.lstsq(design[keep], np.log(y[keep]), rcond=None)[0]
        out = math.log(y[i]) - design[i] @ others
        total += out**2 * np.outer(design[i], design[i])
    inverse = np.linalg.inv(design.T @ design)
    errors = np.sqrt(np.diag(inverse @ total @ inverse))
    quantile = 1.7709333959867988  # Student, 13 degrees of freedom, 0.95
    widths = [(high - low) / 2 for low, high in fit.intervals]
    assert widths == pytest.approx(list(quantile * errors[1:]))
    low, high = fit.constant_interval
    assert math.log(high / low) / 2 == pytest.approx(quantile * errors[0])


@pytest.mark.long
@pytest.mark.parametrize("spread", ["equal", "growing with n"])
def test_the_intervals_cover(spread: str) -> None:
    """400 data sets: the share of covered truths is not 5 standard deviations below 0.9."""
    rng = np.random.default_rng(2)
    scale = np.full(16, 0.1) if spread == "equal" else 0.02 * np.sqrt(N / 100)
    fits = [
        power_law(3 * N**0.5 / D * np.exp(scale * rng.standard_normal(16)), level=0.9, n=N, d=D) for _ in range(400)
    ]
    for name, truth in (("n", 0.5), ("d", -1.0)):
        covered = np.mean([low <= truth <= high for low, high in (fit.interval(name) for fit in fits)])
        assert covered > 0.9 - 5 * math.sqrt(0.09 / 400)
        # and is no empty promise: half as wide it would cover clearly less
        half = np.mean([abs(fit.exponent(name) - truth) < (fit.interval(name)[1] - truth) / 2 for fit in fits])
        assert half < 0.85


def test_verdicts_on_claimed_exponents() -> None:
    rng = np.random.default_rng(3)
    fit = power_law(N / D * np.exp(0.05 * rng.standard_normal(16)), n=N, d=D)
    assert not fit.excludes(n=1, d=-1)
    assert fit.excludes(n=1, d=-2)
    assert fit.excludes(n=0.5)
    assert not fit.excludes(n=1)
    assert fit.within(0.25, n=1, d=-1)
    assert not fit.within(0.01, n=1, d=-1)
    assert not fit.within(0.25, d=-2)


def test_one_variable_and_repeated_sizes() -> None:
    fit = power_law([1.0, 2.0, 4.0, 8.1], n=[1, 2, 4, 8])
    assert fit.exponent("n") == pytest.approx(1, abs=0.01)
    assert isinstance(fit, PowerLaw)
    twice = power_law([1.0, 2.0, 4.0, 8.0] * 2, n=[1, 2, 4, 8] * 2)
    assert twice.exponents == pytest.approx((1.0,))


BAD: dict[str, tuple[list[float], dict[str, Any], str]] = {
    "no variable": ([1.0, 2.0, 3.0, 4.0], {}, "variables is empty"),
    "a negative number": ([1.0, -2.0, 3.0, 4.0], {"n": [1, 2, 3, 4]}, "y holds -2.0"),
    "an infinite size": ([1.0, 2.0, 3.0, 4.0], {"n": [1, 2, 3, math.inf]}, "n holds inf"),
    "unequal lengths": ([1.0, 2.0, 3.0, 4.0], {"n": [1, 2, 3]}, r"n has the shape \(3,\)"),
    "too few points": ([1.0, 2.0, 3.0], {"n": [1, 2, 3]}, "y has 3 points"),
    "a constant variable": ([1.0, 2.0, 3.0, 4.0], {"n": [2, 2, 2, 2]}, "do not vary independently"),
    "two variables on one line": ([1.0, 2.0, 3.0, 4.0, 5.0], {"n": [1, 2, 3, 4, 5], "d": [2, 4, 6, 8, 10]}, "vary"),
    "one point apart from all": (
        [1.0, 1.1, 0.9, 1.0, 8.0],
        {"n": [1, 1, 1, 1, 8]},
        r"y\[4\] alone decides an exponent",
    ),
    "a level that is none": ([1.0, 2.0, 3.0, 4.0], {"n": [1, 2, 3, 4], "level": 1.0}, "level is 1.0"),
}


@pytest.mark.parametrize("label", BAD)
def test_wrong_input_is_refused(label: str) -> None:
    y, arguments, words = BAD[label]
    with pytest.raises(DomainError, match=words):
        power_law(y, **arguments)


def test_absent_statsmodels_is_named(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "statsmodels.regression.linear_model", None)
    with pytest.raises(
        MissingDependencyError, match=r"need statsmodels: \S+ -m pip install -c constraints.txt 'glutheory\[checks\]'"
    ):
        power_law([1.0, 2.0, 4.0, 8.1], n=[1, 2, 4, 8])


def test_a_matrix_is_refused() -> None:
    with pytest.raises(DomainError, match="one-dimensional"):
        power_law(np.ones((2, 2)), n=[1, 2])
