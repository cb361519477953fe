"""`glutheory.symbols`: a module to import from, what completion offers, and substitution by name."""

from __future__ import annotations

import importlib

import pytest
import sympy as sp

import glutheory as glu
from glutheory.errors import UnknownNameError
from glutheory.symbols import a, b, c, named, rho


def test_it_is_one_module_by_both_ways() -> None:
    assert importlib.import_module("glutheory.symbols") is glu.symbols
    assert (glu.symbols.a, glu.symbols.rho) == (a, rho)
    # what completion offers in a REPL: the documented names and no other
    assert dir(glu.symbols) == sorted(glu.symbols.__all__)
    assert all(f"{name}" in (glu.symbols.__doc__ or "") for name in glu.symbols.__all__)


@pytest.mark.parametrize("name", ["relu", "gelu", "silu", "softsign"])
def test_by_name_is_as_by_symbol(name: str) -> None:
    """A closed form, a mixture and a series."""
    for expr in (glu.derivation(name).dual.S, glu.derivation(f"{name}_glu").ntk):
        found = expr.subs(named(a=1, b=2, c=sp.Rational(1, 2)))
        assert found == expr.subs({a: 1, b: 2, c: sp.Rational(1, 2)})
        assert not found.free_symbols & {a, b, c}
    # SymPy's own reading of text: another symbol, which is why `named` is there
    assert glu.derivation(name).dual.S.subs({"a": 1}) == glu.derivation(name).dual.S


def test_the_sphere_by_rho() -> None:
    """ReLU at variance 1: Cho & Saul's arc-cosine kernel of order 1, halved."""
    found = glu.derivation("relu").dual.S.subs(named(a=1, b=1, c=rho))
    wanted = (sp.sqrt(1 - rho**2) + rho * (sp.pi - sp.acos(rho))) / (2 * sp.pi)
    for value in (sp.Rational(-9, 10), sp.Integer(0), sp.Rational(1, 3), sp.Integer(1)):
        assert abs((found - wanted).subs(rho, value).evalf(30)) < sp.Float("1e-28")


def test_a_name_that_is_none() -> None:
    with pytest.raises(UnknownNameError, match="no symbol of the formulas is named 'alpha': use S, T, a, b, c, g"):
        named(alpha=1)
    with pytest.raises(UnknownNameError, match="'named'"):
        named(named=1)
