"""Road 2 beyond the zoo: smooth, shifted, mixed and jumping functions of a user."""

from __future__ import annotations

import math
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest
import sympy as sp
from flint import arb
from scipy.special import erf

from glutheory.activations import Activation, Z
from glutheory.ground.balls import precision
from glutheory.quadrature import enclose
from glutheory.symbolic import evaluate
from tests.quadrature.references import BITS, expression, grid_mean
from tests.strategies import named

GELU_TANH = Z * (1 + sp.tanh(sp.sqrt(2 / sp.pi) * (Z + sp.Rational(44715, 10**6) * Z**3))) / 2
OTHERS: list[tuple[sp.Expr, Callable[..., np.ndarray]]] = [
    (sp.erf(Z) ** 2, lambda z: erf(z) ** 2),
    (sp.sqrt(1 + Z**2), lambda z: np.sqrt(1 + z * z)),
    (Z * sp.tanh(sp.log(1 + sp.exp(Z))), lambda z: z * np.tanh(np.logaddexp(0, z))),
    (sp.atan(Z), np.arctan),
    (GELU_TANH, lambda z: z * (1 + np.tanh(math.sqrt(2 / math.pi) * (z + 0.044715 * z**3))) / 2),
    (1 / sp.cosh(Z), lambda z: 1 / np.cosh(z)),
    (sp.sin(Z**2), lambda z: np.sin(z * z)),
]


@pytest.mark.parametrize(("expr", "f"), OTHERS, ids=named)
@pytest.mark.parametrize(("a", "b", "rho"), [(1, 1, 0.25), (0.5, 2, -0.75), (1, 1, 1), (0.25, 1, 0)])
def test_users_smooth_functions(expr: sp.Expr, f: Callable[..., np.ndarray], a: float, b: float, rho: float) -> None:
    ball = enclose(expression(expr), a, b, Fraction(rho) * Fraction(math.sqrt(a * b)), digits=20)[0]
    assert abs(float(ball) - grid_mean(f, a, b, rho)) < 1e-13
    assert float(ball.rad()) < 1e-19


def test_a_shifted_ramp() -> None:
    """max(0, z−1) = ramp of a shifted Gaussian: S by one mpmath integral over u, T by the bivariate normal law."""
    import mpmath

    act = expression(sp.Max(0, Z - 1))
    value, slope = enclose(act, 2, 1, "0.8", digits=20)
    context: Any = mpmath.MPContext()
    context.dps = 25
    r = context.mpf(1) - context.mpf("0.32")

    def inner(u: Any) -> Any:
        m, s = context.mpf("0.4") * u - 1, context.sqrt(r)
        return m * context.ncdf(m / s) + s * context.npdf(m / s)

    def outer(u: Any) -> Any:
        return (u - 1) * inner(u) * context.npdf(u, 0, context.sqrt(2))

    def tail(u: Any) -> Any:
        return context.ncdf((context.mpf("0.4") * u - 1) / context.sqrt(r)) * context.npdf(u, 0, context.sqrt(2))

    assert abs(float(value) - float(context.quad(outer, [1, 3, 6, 12, 20]))) < 1e-15
    assert abs(float(slope) - float(context.quad(tail, [1, 3, 6, 12, 20]))) < 1e-15
    shifted = enclose(expression(sp.Heaviside(Z - 1)), 2, 1, "0.8", digits=20)
    assert shifted[0].overlaps(slope)
    density = context.exp(-(context.mpf(1) + 2 - 2 * context.mpf("0.8")) / (2 * context.mpf("1.36")))
    assert abs(float(shifted[1]) - float(density / (2 * context.pi * context.sqrt("1.36")))) < 1e-15
    assert enclose(expression(sp.Heaviside(Z - 1)), 1, 1, -1)[1] == 0
    assert enclose(expression(sp.Heaviside(Z - 1)), 1, 1, 1)[1] == arb.pos_inf()


LEVELS = {"sign(z**2)": (1, 0), "max(0,z-exp(z))": (0, 0), "1-sign(z**2)": (0, 1), "3-step(z**2)": (2, 2.5)}


@pytest.mark.parametrize("text", LEVELS)
@pytest.mark.parametrize(("a", "b", "c"), [(1, 1, 1), (1, 1, -1), (1, 4, 0.3), (1, 1, 0), (0, 1, 0), (0, 0, 0)])
def test_functions_that_are_constant_but_at_points(text: str, a: int, b: int, c: float) -> None:
    """Evaluate found S "below 1e-640" or went on without end, enclose ended in a ValueError; φ(0) counts at a = 0."""
    level, at_zero = LEVELS[text]
    value = (level if a else at_zero) * (level if b else at_zero)
    act = Activation("f", text)
    assert evaluate(act, a, b, c, digits=15) == (value, 0)
    S, T = enclose(act, a, b, c, digits=15)
    assert float(S) == value
    assert T == 0


@pytest.mark.long
@pytest.mark.parametrize("point", [(1, 1, "0.4"), (2, "0.5", "-0.9"), (1, 1, 1), (1, 1, -1), (1, 3, 0)], ids=str)
def test_bilinearity(point: tuple[Any, Any, Any]) -> None:
    """|z|·tanh(z) (panels), relu + tanh (mixed): polarised from pieces that other rules do."""
    relu, tanh = sp.Max(0, Z), sp.tanh(Z)
    plus = enclose(expression(relu + tanh), *point, digits=25)
    minus = enclose(expression(relu - tanh), *point, digits=25)
    alone = [enclose(name, *point, digits=25) for name in ("relu", "tanh")]
    for i in range(2):
        assert (plus[i] + minus[i]).overlaps(2 * (alone[0][i] + alone[1][i]))
        assert float(plus[i].rad()) < 1e-24
    # an even and an odd function are uncorrelated: (f + g) with f even, g odd
    even, odd = sp.Abs(Z) * sp.exp(-(Z**2)), sp.Abs(Z) * sp.tanh(Z)
    both = enclose(expression(sp.expand(even + odd)), *point, digits=20)
    parts = [enclose(expression(part), *point, digits=20) for part in (even, odd)]
    for i in range(2):
        assert both[i].overlaps(parts[0][i] + parts[1][i])


def test_jumps_of_mixed_functions() -> None:
    act = expression(sp.Heaviside(Z) * sp.tanh(Z + 1))  # no normal form, a jump and a slope
    with precision(BITS):
        h = Fraction(1, 10**9)
        quotient = (
            enclose(act, 1, 2, "0.500000001", digits=36)[0] - enclose(act, 1, 2, "0.499999999", digits=36)[0]
        ) / 2
        slope = enclose(act, 1, 2, "0.5", digits=20)[1]
        assert abs(float(quotient * h.denominator - slope)) < 1e-15
        assert slope.rad() < slope * 1.0001e-20
