"""Deciding whether an expression is zero, and the field of the arcsine family."""

import pytest
import sympy as sp

from derivations.tools.arcsine import d_dc, p, q, read, theta, w
from derivations.tools.zero import is_zero
from glutheory.symbolic.gaussian import a, b, c

x, y = sp.symbols("x y", positive=True)


@pytest.mark.parametrize(
    "expr",
    [
        (x + y) ** 2 - x**2 - 2 * x * y - y**2,
        1 / (x - y) - (x + y) / (x**2 - y**2),
        sp.sqrt(x + y) ** 3 / (x + y) - sp.sqrt(x + y),
        1 / sp.sqrt(x + 1) - sp.sqrt(x + 1) / (x + 1),
        sp.sin(x) ** 2 + sp.cos(x) ** 2 - 1,
        sp.erf(x) * (x + 1) - x * sp.erf(x) - sp.erf(x),
        sp.sqrt(sp.sin(x) + 1) ** 2 - sp.sin(x) - 1,
        x ** (y + 1) - x * x**y,
    ],
)
def test_zero_is_shown(expr):
    assert is_zero(expr)
    assert not is_zero(expr + 1)
    assert not is_zero(expr + x / 10**12)


@pytest.mark.parametrize(
    "expr", [x, sp.sqrt(x) - x, sp.sin(x) - x, sp.nan, sp.zoo, sp.oo, sp.exp(x) - 1, sp.cos(x) - sp.sin(x)]
)
def test_what_is_not_zero_is_not_shown(expr):
    assert not is_zero(expr)


@pytest.mark.parametrize(
    "expr",
    [
        # names that the generators once had: these differences were "zero"
        sp.Symbol("w_0", positive=True) - sp.sqrt(x),
        sp.Symbol("f_0") - sp.sin(x),
        sp.Symbol("f_1") - sp.sin(x),
        sp.Symbol("p_0") - sp.exp(x),
        sp.Symbol("p_0") - x**y,
    ],
    ids=str,
)
def test_a_symbol_is_no_generator_of_the_same_name(expr):
    assert not is_zero(expr)
    assert not is_zero(sp.cos(x) * expr)


def test_the_field_differentiates_like_sympy():
    angle, root = sp.asin(c / (p * q)), sp.sqrt(p**2 * q**2 - c**2)
    back = {theta: angle, w: root}
    expr = c**2 * theta / w + w**3 - theta
    gap = sp.diff(expr.subs(back), c) - d_dc(expr).subs(back)
    assert abs(gap.subs({p: sp.Rational(5, 4), q: sp.Rational(7, 5), c: sp.Rational(1, 3)}).evalf(30)) < 1e-25


@pytest.mark.parametrize("expr", [sp.asin(2 * c / sp.sqrt(a * b)), sp.sqrt(a * b - 2 * c**2)])
def test_the_field_refuses_what_is_not_in_it(expr):
    with pytest.raises(ValueError, match="is not"):
        read(expr)
