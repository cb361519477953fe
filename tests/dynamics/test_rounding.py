"""What is said of rounding: logarithms of 1 − ηλ, bounds of losses, and what follows, against exact ηλ in mpmath."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from glutheory.dynamics import LossCurve, crossings, steps_to
from glutheory.dynamics.rounding import UNIT, log_factors

DIGITS = 700


def big(value: float) -> mpmath.mpf:
    return mpmath.mpf(value)


def loss(curve: LossCurve, k: float, rate: float | None) -> mpmath.mpf:
    """The loss of these very doubles."""
    with mpmath.workdps(DIGITS):
        pairs = list(zip(curve.eigenvalues.tolist(), curve.weights.tolist(), strict=True))
        if rate is None:
            return mpmath.fsum(big(w) * mpmath.exp(-2 * big(value) * big(k)) for value, w in pairs)
        return mpmath.fsum(big(w) * abs(1 - big(rate) * big(value)) ** (2 * big(k)) for value, w in pairs)


def curve(*modes: tuple[float, float]) -> LossCurve:
    return LossCurve(np.array([value for value, _ in modes]), np.array([weight for _, weight in modes]))


MANTISSAS = st.floats(1, 2, exclude_max=True)
#: ηλ at any size, and within some bits of 0, 1 and 2.
PRODUCTS = st.one_of(
    st.builds(lambda m, e: m * 2.0**e, MANTISSAS, st.integers(-300, 300)),
    st.builds(lambda at, s, e: at * (1 + s * 2.0**-e), st.sampled_from([1.0, 2.0]), st.sampled_from([-1, 1]),
              st.integers(1, 52)),
)  # fmt: skip


@given(MANTISSAS, st.integers(-200, 200), PRODUCTS)
@example(7.0, 0, 2 * (1 - 2.0**-52))
@example(1.5, 0, 1.0)
@example(1.0, 0, 1.0)
@example(1.0, 700, 2.0**700)
def test_logarithms_of_factors(mantissa: float, exponent: int, product: float) -> None:
    value = mantissa * 2.0**exponent
    rate = product / value
    found = float(log_factors(rate, np.array([value]))[0])
    exact = 1 - Fraction(rate) * Fraction(value)
    if exact == 0:
        assert found == -math.inf
        return
    with mpmath.workdps(DIGITS):
        wanted = mpmath.log(abs(mpmath.mpf(exact.numerator) / exact.denominator))
        assert abs(found - wanted) <= 12 * UNIT * abs(wanted)


@pytest.mark.parametrize(("rate", "value"), [(1e300, 1e300), (1.7e308, 1e301), (1e-200, 1e-124), (5e-324, 1.0)])
def test_logarithms_where_the_product_is_no_double(rate: float, value: float) -> None:
    with mpmath.workdps(DIGITS):
        wanted = mpmath.log(abs(1 - big(rate) * big(value)))
        assert abs(float(log_factors(rate, np.array([value]))[0]) - wanted) <= 12 * UNIT * abs(wanted) + 2.0**-1074


def cases() -> list[tuple[str, LossCurve, float | None]]:
    """Rates at which ηλ of the top is near 2, or 1, or large; and the flow."""
    found: list[tuple[str, LossCurve, float | None]] = [
        ("2/7 but for a unit", curve((7.0, 1.0)), 2 / 7 * (1 - 2.0**-52)),
        ("an eigenvalue of 3e-12", curve((2.89, 1.0)), 0.6920415224910034),
        ("diverging", curve((7.0, 1.0), (0.3, 2.0)), 1.9),
        ("one that is learnt at once", curve((3.0, 1.0), (0.7, 1.0)), 1 / 3),
        ("tiny weights", curve((3.0, 1e-310), (0.1, 3e-320)), 0.1),
    ]
    for condition in (1e3, 1e8, 1e12):
        one = curve((condition / 3, 1.0), (1 / 3, 0.0), (1.0, 0.1))
        found += [(f"the best rate at {condition:g}", one, one.optimal_rate), (f"flow, {condition:g}", one, None)]
    return found


@pytest.mark.parametrize(("what", "one", "rate"), cases(), ids=[case[0] for case in cases()])
def test_losses_are_within_the_uncertainty(what: str, one: LossCurve, rate: float | None) -> None:
    """And the bound is no more than a few hundred units of what the loss is, or its terms move."""
    slowest = float(np.abs(one.decays(rate)).min())
    for k in [0.0, 1.0, 2.0, 10.0, *np.round(np.geomspace(0.01, 300, 25) / slowest).tolist()]:
        found = float(one.flow(k) if rate is None else one.descent(k, rate))
        off = float(one.uncertainty(k, rate))
        if math.isinf(found):
            continue
        wanted = loss(one, k, rate)
        assert abs(found - wanted) <= off, (what, k)
        exponents = np.minimum(np.abs(k * one.decays(rate)), 800)
        assert off <= UNIT * (40 + 20 * exponents.max()) * (found + 1e-290 * one.initial) * 2 + 2.0**-999


@given(st.floats(1e-6, 1e3), st.floats(0.05, 1.0), st.integers(0, 10**12), st.integers(1, 3))
def test_losses_near_the_edge_of_stability(value: float, other: float, k: int, units: int) -> None:
    """The top's ηλ is as near to 2 as doubles are."""
    one = curve((value, 1.0), (value * other * 1e-3, 0.5))
    rate = 2 / value * (1 - units * 2.0**-52)
    found, wanted = float(one.descent(k, rate)), loss(one, k, rate)
    assert abs(found - wanted) <= float(one.uncertainty(k, rate)) <= 1e-9 * found + 1e-300


@given(st.integers(0, 10**6), st.sampled_from([None, 0.1, 0.9, 1.99, 2.5]), st.floats(0, 1), st.floats(0, 1))
def test_each_error_rises_and_then_falls(seed: int, rate: float | None, first: float, second: float) -> None:
    """Between two steps none is below the lesser of its values there: `crossings` concludes from that."""
    rng = np.random.default_rng(seed)
    one = LossCurve(10.0 ** rng.uniform(-6, 0, 5), rng.uniform(0, 1, 5), 10.0 ** rng.uniform(-12, -1))
    low, high = sorted((10 ** (8 * first), 10 ** (8 * second)))
    inner = np.linspace(low, high, 50)
    ends = one.errors(np.array([low, high]), rate).min(axis=0)
    with np.errstate(invalid="ignore"):
        assert np.all(one.errors(inner, rate) >= ends * (1 - 1e-9))


def test_the_error_of_a_kernel_where_q_is_within_a_unit_of_1() -> None:
    """2kε·q^{2k−1} at k = 10^18 and q = 1 − 2/3 u, which is 1 − u rounded: e^{-2·10^18·(u/3)} is e^{-74}."""
    slow = 2 / 3 * 2.0**-53
    one = LossCurve(np.array([slow]), np.array([1.0]), slow * 1e-6)
    k = 1e18
    with mpmath.workdps(50):
        q = 1 - big(slow) + big(slow) * big(1e-6)
        wanted = 2 * big(k) * big(slow) * big(1e-6) * mpmath.exp((2 * big(k) - 1) * mpmath.log(q))
        found = float(one.errors(np.array([k]), 1.0)[0, -1])
        assert wanted <= found <= wanted * (1 + mpmath.mpf(10) ** -9)


def test_no_crossing_is_certified_that_exact_products_do_not_have() -> None:
    """D < 0 throughout; with ηλ rounded to double there were two crossings near 2.7e11."""
    first, second, rates = (
        curve((2.89, 1.0)),
        curve((0.0, 0.384891354931611), (3.000266701748523e-12, 1.0)),
        (0.6920415224910034, 1.0),
    )
    found = crossings(first, second, rate=rates)
    assert (len(found), found.start, found.end, found.complete, found.certain) == (0, -1, -1, True, True)
    samples = [float(loss(first, k, rates[0]) - loss(second, k, rates[1])) for k in np.geomspace(1e11, 1e12, 300)]
    assert -2.2e-5 < max(samples) < -1.9e-5


def test_the_crossing_of_a_curve_at_the_edge_of_stability() -> None:
    rate = 2 / 7 * (1 - 2.0**-52)
    found = crossings(curve((7.0, 1.0)), curve((1e-30, 0.5)), rate=rate)
    with mpmath.workdps(80):
        wanted = mpmath.log(mpmath.mpf(1) / 2) / (2 * mpmath.log(abs(1 - 7 * big(rate))))
    (item,) = found
    assert found.certain
    # the exponents are right within 12 units, and so is where they say it is
    assert abs(item.step - wanted) <= 1e-13 * wanted


def test_steps_at_the_edge_of_stability() -> None:
    """The first k with |1 − ηλ|^k ≤ ε."""
    rate = 2 / 7 * (1 - 2.0**-52)
    with mpmath.workdps(80):
        wanted = int(mpmath.ceil(mpmath.log(big(0.1)) / mpmath.log(abs(1 - 7 * big(rate)))))
    found = steps_to(curve((7.0, 1.0)), 0.1, rate)
    assert found.high is not None
    assert found.low <= wanted <= found.high <= found.low * (1 + 1e-13)
    # of any size of the losses
    for scale in (2.0**-1070, 2.0**-500, 2.0**900):
        assert steps_to(curve((7.0, scale)), 0.1, rate) == found
