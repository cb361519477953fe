"""Hermite series as SymPy functions: their values against the enclosed integral, and how they are written."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
import sympy as sp

import glutheory as glu
from glutheory.symbolic.duals import HERMITE

s = glu.symbols
SERIES = ("softsign", "mish")
AT = {s.a: 1, s.b: 2, s.c: sp.Rational(1, 2)}


@pytest.mark.parametrize("name", SERIES)
def test_values_are_those_of_the_integral(name: str) -> None:
    own = glu.derivation(name).dual
    assert own.method == HERMITE
    for expr, ball in zip((own.S, own.T), glu.enclose(name, 1, 2, "1/2", digits=25), strict=True):
        wanted = sp.Float(ball.str(25, radius=False), 25)
        assert abs(expr.subs(AT).evalf(20) / wanted - 1) < sp.Float("1e-19")
        assert expr.evalf(subs=AT) == pytest.approx(float(wanted), rel=1e-14)
        with mpmath.workdps(20):
            found = sp.lambdify((s.a, s.b, s.c), expr, "mpmath")(mpmath.mpf(1), mpmath.mpf(2), mpmath.mpf("0.5"))
            assert abs(sp.Float(found, 20) / wanted - 1) < sp.Float("1e-19")


def test_two_functions_in_one_formula() -> None:
    """The kernels of a product, by numpy at an array; beyond |ρ| = 1 there is no number."""
    net = glu.product("softsign", "erf")
    c = np.array([-1.4, 0.0, 0.9, 1.45])
    found = sp.lambdify((s.a, s.b, s.c), glu.derivation(net).ntk)(1.0, 2.0, c)
    for value, at in zip(found[:3], c, strict=False):
        (S, T), (R, U) = ([float(x.mid()) for x in glu.enclose(act, 1, 2, float(at))] for act in net.branches)
        assert value == pytest.approx(S * R + at * (T * R + S * U), rel=1e-14)
    assert np.isnan(found[3])
    assert glu.derivation(glu.product("softsign", "mish")).nngp != glu.derivation(glu.product("mish", "mish")).nngp


def test_what_is_no_number_stays() -> None:
    S = glu.derivation("softsign").dual.S
    assert S.evalf() == S
    beyond = S.subs({s.a: 1, s.b: 1, s.c: 2})
    assert beyond.evalf() == beyond
    assert S.subs({s.a: 1, s.b: 1, s.c: 1}).evalf(20) == sp.Float(glu.evaluate("softsign", 1, 1, 1, digits=20)[0], 20)


def test_the_derivative_along_c_is_price_s() -> None:
    own = glu.derivation("softsign").dual
    assert sp.diff(own.S, s.c) == own.T
    assert sp.diff(own.T, s.c).has(sp.Derivative)


def test_it_is_written_as_a_sum() -> None:
    S = glu.derivation("softsign").dual.S
    assert str(S) == "Sum((c/(sqrt(a)*sqrt(b)))**k*h(k, a)*h(k, b), (k, 0, oo))"
    assert r"\sum_{k=0}^{\infty}" in sp.latex(S)
    assert "h(k, a)" in sp.pretty(S)
    assert isinstance(sp.sympify(sp.srepr(S)), sp.Sum)
