"""Exports to SymPy: the very expressions, to forty digits."""

from __future__ import annotations

from typing import Any

import mpmath
import pytest
import sympy as sp

import glutheory as glu
from glutheory.printing import render
from glutheory.symbolic.mean import KolmogorovMean
from tests.printing.exported import CLOSED, MIXED, NETWORKS, agree, in_sympy, marked, sympy_values
from tests.printing.reports import WIDE, found


@pytest.mark.parametrize("name", marked(list(NETWORKS)))
def test_sympy_rebuilds_the_very_expressions(name: str) -> None:
    scope, derived = in_sympy(name), glu.derivation(NETWORKS[name])
    expected = {"S": derived.dual.S, "T": derived.dual.T, "nngp": derived.nngp, "ntk": derived.ntk}
    for key, expr in expected.items():
        # SymPy knows the averages as the integrals that they are
        plain = expr.replace(KolmogorovMean, sp.Integral)
        assert sp.srepr(scope[key]) == sp.srepr(plain), key


@pytest.mark.parametrize("name", marked(CLOSED))
def test_sympy_evaluates_to_forty_digits(name: str) -> None:
    agree(name, sympy_values(name, 40), 40)


def test_sympy_evaluates_a_mixture() -> None:
    agree("sigmoid", sympy_values("sigmoid", 20), 20)


@pytest.mark.slow
@pytest.mark.parametrize("name", MIXED)
def test_sympy_evaluates_mixtures_to_forty_digits(name: str) -> None:
    agree(name, sympy_values(name, 40), 40)


@pytest.mark.parametrize("name", [pytest.param("elu", marks=pytest.mark.long), "jump_relu"])
@pytest.mark.parametrize(("a", "b", "c"), [("1", "1", "1"), ("1", "1", "-1"), ("2", "1/2", "1")], ids=" ".join)
def test_sympy_at_the_ends(name: str, a: str, b: str, c: str) -> None:
    """Where the correlation is ±1 a formula with Φ₂ has 0/0: the module takes the limit, which can be infinite."""
    scope: dict[str, Any] = {}
    exec(render(found(name), "sympy", WIDE), scope)  # noqa: S102 (what is printed is tested)
    for key, wanted in zip("ST", glu.evaluate(name, a, b, c), strict=True):
        value = scope["value"](scope[key], a, b, c)
        assert value == sp.oo if mpmath.isinf(wanted) else abs(float(value) - float(wanted)) < 1e-14, key
