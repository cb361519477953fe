"""Hermite coefficients, Parseval's tail, and the series as a second road to S."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given, settings
from hypothesis import strategies as st

from glutheory import DerivationError, ExpressionError, PrecisionError, activation, evaluate
from glutheory.activations import Activation, Z
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.symbolic import mehler
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls
from glutheory.symbolic.hermite import coefficient, coefficients, hermite_series, norm, odd_part_is_linear
from glutheory.symbolic.mehler import series_balls
from tests.zoo import ANALYTIC

SMOOTH = ("gelu", "silu", "tanh", "sigmoid", "erf", "softplus", "sin")


# laplace is so steep (a scale of 0.28) that the reference rule is good to 1e-5 only
@pytest.mark.parametrize("name", [name for name in ANALYTIC if name != "laplace"])
@pytest.mark.parametrize("variance", [Fraction(1), Fraction(1, 4), Fraction(3)])
def test_coefficients_against_gauss_hermite(name: str, variance: Fraction) -> None:
    nodes, weights = np.polynomial.hermite_e.hermegauss(160)
    weights = weights / np.sqrt(2 * np.pi)
    values = sp.lambdify(Z, activation(name).expr, ["scipy", "numpy"])(np.sqrt(float(variance)) * nodes)
    for k in (0, 1, 2, 5):
        he = np.polynomial.hermite_e.HermiteE.basis(k)(nodes) / np.sqrt(float(sp.factorial(k)))
        ours = coefficient(activation(name), k, variance, digits=20)
        assert float(ours) == pytest.approx(float(np.sum(weights * values * he)), abs=1e-9)
        assert ours.rad() < 1e-18


def test_relu_coefficients_are_the_known_ones() -> None:
    """h_0 = 1/√(2π), h_1 = 1/2, h_2 = 1/(2√π), h_3 = 0."""
    with precision(120):
        pi = arb.pi()
        known = [(2 * pi).rsqrt(), arb(1) / 2, pi.rsqrt() / 2, arb(0)]
        for h, expected in zip(hermite_series(activation("relu"), Fraction(1), 4).coefficients, known, strict=True):
            assert h.overlaps(expected)


@pytest.mark.parametrize("name", ["relu", "gelu", "silu"])
def test_a_gate_is_half_of_z_plus_an_even_function(name: str) -> None:
    act = activation(name)
    assert odd_part_is_linear(act)
    series = hermite_series(act, Fraction(9, 4), 8)
    assert series.coefficients[1].contains(arb(3) / 4)  # √a/2
    assert series.coefficients[1].rad() < 1e-25
    assert all(series.coefficients[k].contains(0) and series.coefficients[k].rad() < 1e-25 for k in (3, 5, 7))


@pytest.mark.parametrize("name", ["sigmoid", "tanh", "relu2", "sin", "step", "leaky_relu"])
def test_others_are_not(name: str) -> None:
    assert not odd_part_is_linear(activation(name))


@pytest.mark.slow
@settings(max_examples=15)
@given(
    name=st.sampled_from(SMOOTH),
    a=st.sampled_from([Fraction(1, 2), Fraction(1)]),
    b=st.sampled_from([Fraction(1, 3), Fraction(1)]),
    rho=st.sampled_from([Fraction(-9, 10), Fraction(1, 3), Fraction(0)]),
)
def test_the_series_contains_the_closed_form(name: str, a: Fraction, b: Fraction, rho: Fraction) -> None:
    """The tail is in the radius: also a short series is correct, only wide."""
    point = Point.of(a, b, rho * Fraction(float(a * b) ** 0.5))
    for derivative, exact in zip((False, True), evaluate_balls(dual(activation(name)), point, 30), strict=True):
        pair = [hermite_series(activation(name), v, 6, 25, derivative=derivative) for v in (point.a, point.b)]
        with precision(128):
            r = (
                arb(point.c.numerator)
                / arb(point.c.denominator)
                / (arb(a.numerator) / a.denominator * b.numerator / b.denominator).sqrt()
            )
            total = sum(
                (h * g * r**k for k, (h, g) in enumerate(zip(pair[0].coefficients, pair[1].coefficients, strict=True))),
                arb(0),
            )
            tail = abs(r) ** 6 * (pair[0].rest * pair[1].rest).sqrt()
            assert abs(total - exact) <= tail * (1 + arb(10) ** -6) + arb(10) ** -20
            # negative control: the tail is needed
            if rho != 0 and name != "sin":
                assert abs(total - exact) > 0


def test_parseval() -> None:
    series = hermite_series(activation("gelu"), Fraction(1), 14)
    S = evaluate("gelu", 1, 1, 1, digits=25)[0]
    with precision(100):
        assert abs(series.norm - arb(str(S))) < arb(10) ** -14
    assert series.rest > 0
    assert series.rest < hermite_series(activation("gelu"), Fraction(1), 6).rest
    assert norm(activation("monomial2"), Fraction(2)).contains(12)


USER = {
    "erf^2": (sp.erf(Z) ** 2, 2.0),
    "mish": (Z * sp.tanh(sp.log(1 + sp.exp(Z))), None),
    "arctan": (sp.atan(Z), None),
    "shifted relu": (sp.Max(0, Z - 1), None),
}


@pytest.mark.parametrize("name", USER)
def test_a_users_activation_gets_its_series(name: str) -> None:
    act = Activation(name, USER[name][0])
    S, T = evaluate(act, "1", "0.5", "0.2", digits=8)
    nodes, weights = np.polynomial.hermite_e.hermegauss(180)
    x, y = np.meshgrid(nodes, nodes, indexing="ij")
    u, v = x, 0.2 * x + np.sqrt(0.5 - 0.04) * y
    for value, expr, tolerance in ((S, act.expr, 1e-6), (T, sp.diff(act.expr, Z), 1e-5)):
        f = sp.lambdify(Z, expr, ["scipy", "numpy"])
        # a kink away from 0 limits the product rule, not the series
        kinked = 2e-2 if expr.has(sp.Max, sp.Heaviside) else tolerance
        assert float(value) == pytest.approx(
            float(np.sum(np.outer(weights, weights) * f(u) * f(v)) / (2 * np.pi)), abs=kinked
        )


def test_the_series_at_a_degenerate_point() -> None:
    act = Activation("mish", USER["mish"][0])
    S, T = series_balls(act, Point.of(0, 1, 0), 15)
    assert S.contains(0)
    assert T.rad() < 1e-14
    assert 0.3 < float(T) < 0.4  # mish'(0)·E[mish'(v)] = 0.6·0.57…


def test_what_the_series_cannot_do_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    kink = Activation("relu(z-1)", sp.Max(0, Z - 1))
    with pytest.raises(DerivationError, match="jumps at z = 1"):
        norm(Activation("step(z-1)", sp.Heaviside(Z - 1)), Fraction(1), derivative=True)
    with pytest.raises(ExpressionError):
        series_balls(Activation("1/z", 1 / Z), Point.of(1, 1, "0.5"), 5)
    for limit in ("FEW", "MAX_POINTS", "MAX_ENTRIES"):
        monkeypatch.setattr(mehler, limit, 50)
    with pytest.raises(PrecisionError, match="ask for fewer digits, or take") as caught:
        series_balls(kink, Point.of(1, 1, "0.99"), 30)
    S, T = caught.value.reached
    assert S.is_finite()
    assert T.is_finite()


@pytest.mark.long
@pytest.mark.parametrize("name", ["relu", "silu", "gelu"])
@pytest.mark.parametrize("variance", [Fraction(1, 2), Fraction(4)])
@pytest.mark.parametrize("derivative", [False, True])
def test_one_rule_gives_all_coefficients(name: str, variance: Fraction, derivative: bool) -> None:
    """The rule for all of them and the integral for each one enclose the same numbers, about as narrowly."""
    act = activation(name)
    for k, ours in enumerate(coefficients(act, variance, 12, 20, derivative=derivative)):
        assert ours.overlaps(coefficient(act, k, variance, 20, derivative=derivative))
        assert ours.rad() < arb(10) ** -20
