"""Road 2 at the ends: zero variances, exact and nearly degenerate arguments, digits, refusals."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import sympy as sp
from flint import arb

from glutheory.activations import Z, activation
from glutheory.errors import DomainError, ExpressionError, PrecisionError
from glutheory.quadrature import enclose
from tests.quadrature.references import expression


def test_zero_variances() -> None:
    assert enclose("relu", 0, 1, 0)[0] == 0
    assert enclose("relu", 0, 1, 0)[1].overlaps(arb(1) / 4)
    assert enclose("abs", 0, 0, 0) == (arb(0), arb(0))
    assert enclose("step", 0, 0, 0) == (arb(1) / 4, arb.pos_inf())
    assert enclose("step", 0, 2, 0)[1] == arb.pos_inf()
    assert enclose("sigmoid", 0, 0, 0) == (arb(1) / 4, arb(1) / 16)
    assert enclose("exp", 0, 2, 0, digits=15)[0].overlaps(arb(1).exp())
    assert enclose(expression(-sp.sign(Z) + Z), 0, 0, 0)[1] == arb.pos_inf()
    assert enclose(expression(sp.Max(0, Z + 1)), 0, 0, 0) == (arb(1), arb(1))
    shifted = enclose(expression(sp.Heaviside(Z - 1)), 4, 0, 0)
    assert shifted == (arb(0), arb(0))


@pytest.mark.parametrize("digits", [1, 7, 40, 80])
def test_digits(digits: int) -> None:
    for name in ("silu", "relu", "gelu"):
        low, high = enclose(name, 1, 2, "0.5", digits=digits), enclose(name, 1, 2, "0.5", digits=digits + 25)
        for coarse, fine in zip(low, high, strict=True):
            assert coarse.contains(fine)
            assert fine.rad() < coarse.rad() * 1e-20
            assert float(coarse.rad()) < 10.0**-digits


def test_exact_arguments() -> None:
    root = enclose("silu", 2, 3, sp.sqrt(6))
    near = enclose("silu", 2, 3, Fraction(math.isqrt(6 * 10**60), 10**30))
    assert abs(float(root[0] - near[0])) < 1e-25
    assert enclose("tanh", sp.pi, sp.E, 1)[0].overlaps(enclose("tanh", sp.E, sp.pi, 1)[0])
    assert enclose(activation("silu", beta=2), 1, 1, "0.5")[0].overlaps(enclose("silu", 4, 4, 2)[0] / 4)


def test_nearly_degenerate_constants() -> None:
    tiny = sp.Rational(1, 10**80)  # the determinant is far below the working precision
    a, b, c = sp.sqrt(2), sp.sqrt(2) / 4, sp.sqrt(2) / 2
    for one, two in zip(enclose("tanh", a, b, c - tiny), enclose("tanh", a, b, c), strict=True):
        assert one.overlaps(two)
        assert float(one.rad()) < 1e-29


def test_work_limits() -> None:
    # a branch point, so near to |ρ| = 1 that the panels would be too many
    act = expression(sp.Max(0, Z) * sp.sqrt(sp.Max(0, Z)) * sp.tanh(Z))
    with pytest.raises(PrecisionError, match="30 digits") as caught:
        enclose(act, 1, 1, 1 - Fraction(1, 10**12))
    value, slope = caught.value.reached
    exact = enclose(act, 1, 1, 1)
    assert value.contains(exact[0])
    assert slope.contains(exact[1])
    # underflow beyond any scale: still correct balls
    with pytest.raises(PrecisionError) as caught:
        enclose(expression(sp.Max(0, Z - 1)), "1e-12", "1e-12", 0)
    assert caught.value.reached[0].contains(0)
    assert float(caught.value.reached[0].rad()) < 1e-20


def test_refusals() -> None:
    with pytest.raises(DomainError, match="symbol s"):
        enclose(activation("leaky_relu", slope=sp.Symbol("s", real=True)), 1, 1, 0)
    with pytest.raises(DomainError, match="c is"):
        enclose("relu", 1, 1, 2)
    with pytest.raises(DomainError, match="digits"):
        enclose("relu", 1, 1, 0, digits=0)
    for expr in (1 / Z, sp.exp(Z**2), sp.sqrt(sp.Max(0, Z))):
        with pytest.raises(ExpressionError):
            enclose(expression(expr), 1, 1, 0)
