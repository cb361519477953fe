"""The equivalence test and its power, against statistics of SciPy, published tables and by simulation."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, special, stats

from checks.tools import equivalence as module
from checks.tools.two_sample import (
    Equivalence,
    equivalence,
    equivalence_power,
)
from glutheory.errors import DomainError
from glutheory.ground.arguments import integer, real
from tests.checks.tools.clouds import SEEDS

pytest.importorskip("statsmodels", reason="the statistics of the checks need statsmodels")


def as_any(value: Any) -> Any:
    """For calls that a type checker would refuse."""
    return value


@given(SEEDS, st.integers(2, 30), st.floats(0.05, 3), st.floats(-1, 1), st.sampled_from([0.01, 0.05, 0.2]))
def test_equivalence_is_two_one_sided_tests(seed, n, margin, mean, level) -> None:
    values = np.random.default_rng(seed).normal(mean, 1, n)
    result = equivalence(values, margin, level=level)
    lower = stats.ttest_1samp(values, -margin, alternative="greater").pvalue
    upper = stats.ttest_1samp(values, margin, alternative="less").pvalue
    ordinary = stats.ttest_1samp(values, 0)
    interval = ordinary.confidence_interval(1 - 2 * level)
    assert result.pvalue == pytest.approx(max(lower, upper), rel=1e-9, abs=1e-15)
    assert (result.low, result.high) == pytest.approx(tuple(interval), rel=1e-9)
    assert result.equivalent == (-margin < interval.low and interval.high < margin)
    assert result.difference_pvalue == pytest.approx(ordinary.pvalue, rel=1e-9)
    assert result.different == (ordinary.pvalue < level)
    assert result.power == equivalence_power(margin, result.deviation, n, level=level)
    assert (result.count, result.margin, result.level) == (n, margin, level)


def test_equivalence_is_called_falsely_no_more_often_than_its_level() -> None:
    """At a true mean of exactly the margin, where false calls are most frequent: 5 % of 4000, ± 4.8 deviations."""
    values = np.random.default_rng(5).normal(1, 0.4, (4000, 6))
    calls = sum(equivalence(row, 1.0).equivalent for row in values[:400])
    assert calls <= stats.binom.isf(1e-6, 400, 0.05)
    # the same by the definition, vectorised, for the sharper bound from both sides
    t = (1.0 - values.mean(axis=1)) / (values.std(axis=1, ddof=1) / math.sqrt(6))
    share = np.mean(t > stats.t.ppf(0.95, 5))
    assert share == pytest.approx(0.05, abs=0.0166)


@pytest.mark.parametrize(
    ("value", "equivalent", "different"),
    [(0.0, True, False), (0.5, True, True), (1.0, False, True), (2.0, False, True)],
)
def test_equal_differences_are_compared_as_they_are(value, equivalent, different) -> None:
    result = equivalence([value] * 3, 1)
    assert (result.equivalent, result.different, result.deviation) == (equivalent, different, 0)
    assert (result.low, result.high) == (value, value)
    assert isinstance(result, Equivalence)
    assert all(type(number) in (int, float, bool) for number in dataclasses.asdict(result).values())


@pytest.mark.parametrize(
    ("variation", "number", "power"),
    # log ratio 0.95, limits log 0.8 and log 1.25, two-period crossover with n subjects: the R package PowerTOST
    [(0.2, 20, 0.8346802), (0.3, 40, 0.815845)],
)
def test_power_is_that_of_the_published_tables(variation, number, power) -> None:
    error = math.sqrt(math.log(1 + variation**2) * 2 / number)
    found = module._power(math.log(1.25) / error, math.log(0.95) / error, number - 2, 0.05)
    assert found == pytest.approx(power, abs=1e-6)


def owens_q(freedom: int, t: float, delta: float, end: float) -> float:
    """Owen's Q function by its definition."""
    log_factor = 0.5 * math.log(2 * math.pi) - special.gammaln(freedom / 2) - (freedom / 2 - 1) * math.log(2)

    def integrand(x: float) -> float:
        density = math.exp(log_factor + (freedom - 1) * math.log(x) - x * x / 2) / math.sqrt(2 * math.pi) if x else 0.0
        return float(stats.norm.cdf(t * x / math.sqrt(freedom) - delta)) * density

    return float(integrate.quad(integrand, 0, end, epsabs=1e-12, limit=200)[0])


@pytest.mark.parametrize(("margin", "deviation", "n"), [(1, 1, 5), (0.5, 1, 20), (0.2, 1, 300), (2, 1, 3), (1, 3, 4)])
@pytest.mark.parametrize("difference", [0.0, 0.3, -0.6])
def test_power_is_owens_formula(margin, deviation, n, difference) -> None:
    """Phillips (1990): Q(−t, δ₂; 0, R) − Q(t, δ₁; 0, R), with R = √ν (δ₁ − δ₂)/(2t)."""
    error, t = deviation / math.sqrt(n), float(stats.t.ppf(0.95, n - 1))
    first, second = (difference + margin) / error, (difference - margin) / error
    end = math.sqrt(n - 1) * (first - second) / (2 * t)
    expected = owens_q(n - 1, -t, second, end) - owens_q(n - 1, t, first, end)
    assert equivalence_power(margin, deviation, n, difference=difference) == pytest.approx(expected, abs=1e-9)


def test_power_is_the_share_of_simulated_calls() -> None:
    values = np.random.default_rng(6).normal(0.1, 0.5, (20_000, 8))
    reach = stats.t.ppf(0.95, 7) * values.std(axis=1, ddof=1) / math.sqrt(8)
    share = np.mean(np.abs(values.mean(axis=1)) + reach < 0.5)
    # five standard errors
    assert equivalence_power(0.5, 0.5, 8, difference=0.1) == pytest.approx(share, abs=0.018)


def test_power_has_its_limits() -> None:
    assert equivalence_power(1, 1e-6, 3) == pytest.approx(1, abs=1e-9)
    assert equivalence_power(1e-3, 1, 5) == pytest.approx(0, abs=1e-6)
    # at the margin itself the power is the level, up to what the other test takes
    assert equivalence_power(1, 0.1, 30, difference=1) == pytest.approx(0.05, abs=1e-9)
    powers = [equivalence_power(0.5, 1, n) for n in (5, 10, 40, 80, 200)]
    assert powers == sorted(powers)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: equivalence([1], 1), r"differences has the shape \(1,\): give at least 2"),
        (lambda: equivalence([[1, 2]], 1), r"differences has the shape \(1, 2\)"),
        (lambda: equivalence(["a", "b"], 1), "differences is no array of real numbers"),
        (lambda: equivalence([1, np.nan], 1), "value nan at 1: remove"),
        (lambda: equivalence([1e200, 1], 1), r"value 1e\+200 at 0"),
        (lambda: equivalence([1, 2], 0), "margin is 0: give a finite number > 0"),
        (lambda: equivalence([1, 2], -1), "margin is -1"),
        (lambda: equivalence([1, 2], math.inf), "margin is inf"),
        (lambda: equivalence([1, 2], as_any("wide")), "margin is 'wide'"),
        (lambda: equivalence([1, 2], 1, level=0.5), "level is 0.5: give a finite number > 0 and < 0.5"),
        (lambda: equivalence_power(1, 0, 5), "deviation is 0"),
        (lambda: equivalence_power(1, 1, 1), "count is 1: give an integer >= 2"),
        (lambda: equivalence_power(1, 1, as_any(2.5)), "count is 2.5"),
        (lambda: equivalence_power(1, 1, 5, difference=math.nan), "difference is nan: give a finite number"),
    ],
)
def test_bad_differences_are_refused(call, message) -> None:
    with pytest.raises(DomainError, match=message):
        call()


def test_numbers_are_checked() -> None:
    assert integer("n", np.int64(3), 1) == 3
    assert real("x", np.float32(0.5), below=1) == 0.5
    with pytest.raises(DomainError, match=r"x is 2: give a finite number < 1\.$"):
        real("x", 2, below=1)
