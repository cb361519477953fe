"""Growth bounds: never exceeded on the line or in the strip, refused where there is none."""

from __future__ import annotations

import pytest
import sympy as sp
from flint import acb, arb
from hypothesis import assume, given
from hypothesis import strategies as st

from glutheory.activations import Z, activation, activation_names
from glutheory.errors import ExpressionError
from glutheory.ground.balls import Tape, precision
from glutheory.ground.growth import Growth, growth

SWITCHES = (sp.Heaviside, sp.sign, sp.Abs, sp.Max, sp.Min)
SMOOTH = [activation(name).expr for name in activation_names() if not activation(name).expr.has(*SWITCHES)] + [
    sp.sqrt(1 + Z**2),
    1 / sp.sqrt(2 + sp.cos(Z)),
    Z * sp.tanh(sp.log(1 + sp.exp(Z))),
    sp.atan(Z / 2),
    1 / sp.cosh(Z),
    sp.cosh(Z) - sp.sinh(2 * Z),
    sp.exp(-(Z**4) + Z),
    sp.exp(Z - Z**2),
    sp.erfc(Z) * sp.exp(Z),
    sp.log(1 + Z**2),
    sp.log(3 + 2 * sp.exp(-2 * Z)),
    1 / (2 + sp.sin(Z)),
    sp.sin(Z**2),
    sp.exp(Z) / (1 + sp.exp(Z)) ** 2,
    (1 + Z**2) ** -3,
    sp.exp(sp.tanh(Z)),
]
KINKED = [activation(name).expr for name in activation_names() if activation(name).expr.has(*SWITCHES)] + [
    sp.exp(-sp.Abs(Z)),
    sp.Min(Z, 1) * sp.Max(-1, Z),
    1 / (1 + sp.Abs(Z)),
    sp.sqrt(1 + sp.Abs(Z)),
]


def size_at(expr: sp.Expr, z: acb) -> arb:
    return abs(acb(Tape([expr], [Z]).bind()([z])[0]))


@given(
    st.sampled_from(SMOOTH),
    st.booleans(),
    st.floats(-40, 40),
    st.floats(-1, 1),
    st.sampled_from([0.0, 0.1, 0.5, 0.9, 1.4, 3.0, 9.0]),
)
def test_the_bound_holds_in_the_strip(expr: sp.Expr, derive: bool, x: float, y: float, tau: float) -> None:
    function = sp.diff(expr, Z) if derive else expr
    try:
        bound = growth(function, tau=tau)
    except ExpressionError:
        assume(tau > 0)  # on the axis every one of them has a bound
        return
    assert bound.n >= 0
    assert bound.p >= 0
    with precision(200):
        assert size_at(function, acb(x, y * tau)).lower() <= bound.at(arb(x))


@given(st.sampled_from(SMOOTH + KINKED), st.floats(-200, 200))
def test_the_bound_holds_on_the_line(expr: sp.Expr, x: float) -> None:
    with precision(200):
        value = abs(sp.N(expr.subs(Z, sp.Rational(x)), 40))
        assert arb(str(value)).lower() <= growth(expr).at(arb(x)) * (1 + arb(2) ** -60)


def test_the_strips_end_where_the_functions_do() -> None:
    for expr, width in (
        (1 / (1 + sp.exp(-Z)), sp.pi),
        (sp.tanh(Z), sp.pi / 2),
        (sp.sqrt(1 + Z**2), 1),
        (sp.atan(Z), 1),
    ):
        growth(expr, tau=0.99 * float(width))
        with pytest.raises(ExpressionError):
            growth(expr, tau=1.01 * float(width))


def test_the_bounds_are_not_idle() -> None:
    silu = growth(activation("silu").expr)
    assert silu == Growth(arb(1), 1, arb(0), 0.0)
    assert growth(sp.diff(activation("silu").expr, Z)).p == 0
    assert growth(sp.diff(1 / sp.cosh(Z), Z)).p == 0
    assert growth(sp.exp(-Z), low=sp.Integer(0)).C == 1
    assert growth(sp.exp(Z), high=sp.Integer(2)).p == 0
    assert growth(-(Z**3) + sp.exp(-(Z**3)), low=sp.Integer(0)).p == 0
    # negative control: a third of the bound is exceeded
    wrong = Growth(silu.C / 3, silu.n, silu.p)
    assert not size_at(activation("silu").expr, acb(30)) <= wrong.at(arb(30))


@pytest.mark.parametrize(
    "expr",
    [
        1 / Z,
        sp.log(Z),
        sp.tan(Z),
        sp.exp(Z**2),
        sp.exp(sp.exp(Z)),
        sp.sqrt(Z),
        sp.sqrt(sp.Max(0, Z)),
        sp.sin(Z) / Z,
        sp.cosh(Z**3),
        sp.gamma(Z),
        sp.asinh(Z),
        sp.exp(Z**3),
        sp.log(2) ** sp.I * Z,
    ],
)
def test_what_is_refused(expr: sp.Expr) -> None:
    with pytest.raises(ExpressionError, match="cannot bound"):
        growth(expr)


def test_switches_have_no_strip() -> None:
    for expr in KINKED:
        with pytest.raises(ExpressionError):
            growth(expr, tau=0.1)
