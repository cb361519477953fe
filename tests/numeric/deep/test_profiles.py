"""What an activation does to a correlation: against the derived duals in 40 digits, next to both ends and between."""

from __future__ import annotations

from fractions import Fraction

import mpmath
import numpy as np
import pytest

import glutheory as glu
from glutheory.activations import activation
from glutheory.errors import DomainError
from glutheory.numeric.deep.panels import resolve
from glutheory.numeric.deep.profile import degree, profile
from glutheory.numeric.deep.table import look_up, places, table

PLACES = ("0.0000001", "0.01", "0.3", "0.71", "0.9")
#: The evaluators' own accuracy, of the slope at ρ = 1: a few ulps for the zoo's, 2e-14 for derived ones.
ACCURACY = {"elu": 4e-14, "mish": 4e-14, "hard_tanh": 2e-14}


@pytest.mark.parametrize(
    "variance", [Fraction(1), *(pytest.param(v, marks=pytest.mark.slow) for v in (Fraction(1, 4), Fraction(9)))]
)
@pytest.mark.parametrize(
    "name",
    ["relu", "silu", "gelu", "tanh", "sigmoid", "erf", "sin", "cos", "abs", "step", "softplus", "elu", "hard_tanh"],
)
def test_both_functions_have_the_digits_of_the_derived_duals(name: str, variance: Fraction) -> None:
    if name in ACCURACY and variance != 1:
        pytest.skip("its evaluator is held against the derivation elsewhere")
    made, rows = profile(activation(name), variance), table(activation(name), variance)
    most = ACCURACY.get(name, 6e-15)
    with mpmath.workdps(50):
        size = glu.evaluate(name, variance, variance, variance, digits=32)[0]
        for sign in (1, -1):
            for place in PLACES:
                t = Fraction(place)
                rho = sign * (1 - t * t)
                s, slope = glu.evaluate(name, variance, variance, variance * rho, digits=32)
                lower, upper = 1 - s / size, 1 + s / size
                slope = slope * mpmath.mpf(variance.numerator) / variance.denominator / size
                at = np.array([float(t)])
                scale = abs(float(made.slopes[0](at)[0])) + 1.0
                wanted = float(slope) * (float(t) if made.order == 1 else 1.0)
                assert made.slopes[sign < 0](at)[0] == pytest.approx(wanted, abs=most * scale)
                # the smaller one of 1 ∓ ρ' has its own digits wherever it is small
                integral = float(made.gaps[sign < 0](at)[0]) * float(t) ** made.order
                if sign > 0:
                    assert integral == pytest.approx(float(lower), rel=most)
                else:
                    end = made.end + integral if made.opposite else made.end - integral
                    assert end == pytest.approx(float(upper if made.opposite else lower), rel=most, abs=most)
                # and cells have what panels have
                gap = np.array([[float(t * t)]])
                minus, plus = (gap, 2.0 - gap) if sign > 0 else (2.0 - gap, gap)
                found = places(np, minus, plus, rows.cells)
                assert look_up(np, rows.slopes, found)[0, 0] == pytest.approx(wanted, abs=2 * most * scale)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("relu", 1),
        ("abs", 1),
        ("step", 0),
        ("relu2", 2),
        ("monomial3", 3),
        ("silu", None),
        ("erf", None),
        ("exp", None),
    ],
)
def test_degrees_of_homogeneity(name: str, wanted: int | None) -> None:
    assert degree(activation(name)) == wanted


@pytest.mark.parametrize(("name", "odd", "even"), [("tanh", True, False), ("abs", False, True), ("gelu", False, False)])
def test_parity_is_seen(name: str, odd: bool, even: bool) -> None:
    """Where φ is odd or even, what is left at ρ = −1 is an exact zero, and opposite rows stay what they are."""
    made = profile(activation(name), Fraction(1))
    assert (made.end == 0) == (odd or even)
    if odd or even:
        assert made.opposite == odd


def test_panels_follow_a_narrow_step_and_refuse_a_jump() -> None:
    narrow = resolve(lambda t: np.tanh(300 * (t - 0.3)), "a step")
    t = np.linspace(0, 1, 1001)
    assert narrow(t) == pytest.approx(np.tanh(300 * (t - 0.3)), abs=1e-13)
    with pytest.raises(DomainError, match="changes too fast"):
        resolve(lambda t: np.sign(t - 0.3), "a jump")
    with pytest.raises(DomainError, match="is not finite"):
        resolve(lambda t: np.where(t > 0.5, np.inf, t), "a pole")


def test_integrals_from_zero_are_relative() -> None:
    """t² q(t) = ∫ 2τ cos τ dτ = 2(t sin t + cos t − 1), which is t² where it is small."""
    q = resolve(np.cos, "a cosine").averaged(2)
    for place in (1e-8, 0.01, 0.3, 1.0):
        t = mpmath.mpf(place)
        with mpmath.workdps(40):
            wanted = 2 * (t * mpmath.sin(t) + mpmath.cos(t) - 1) / t**2
        assert q(np.array([place]))[0] == pytest.approx(float(wanted), rel=1e-15)
