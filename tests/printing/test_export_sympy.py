"""Exports to SymPy: the very expressions, to forty digits."""

from __future__ import annotations

import pytest
import sympy as sp

import glutheory as glu
from glutheory.symbolic.mean import KolmogorovMean
from tests.printing.exported import CLOSED, MIXED, NETWORKS, agree, in_sympy, marked, sympy_values


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
