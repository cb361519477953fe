"""The roots at which a switch turns, against a fine grid of its argument's signs."""

from __future__ import annotations

import numpy as np
import pytest
import sympy as sp

from glutheory.activations import Z
from glutheory.ground.switches import roots

FOUND = [
    (2 * Z - 1, {sp.Rational(1, 2)}),
    (sp.sqrt(2) * Z + sp.pi, {-sp.pi / sp.sqrt(2)}),
    (Z**2 - 1, {-1, 1}),
    (Z**2 + 1, set()),
    (Z**3 - Z, {-1, 0, 1}),
    (Z**2 - 2, {-sp.sqrt(2), sp.sqrt(2)}),
    ((Z - 1) * (Z**4 + 1), {1}),
    (sp.exp(Z) - 1, {0}),
    (2 - 3 * sp.exp(-2 * Z + 1), {(1 - sp.log(sp.Rational(2, 3))) / 2}),
    (sp.exp(Z) + 1, set()),
    (sp.tanh(Z) - sp.Rational(1, 2), {sp.log(3) / 2}),
    (sp.tanh(Z) - 2, set()),
    (sp.sinh(Z - 1), {1}),
    (Z * sp.exp(Z), {0}),
    (Z * sp.exp(Z) - Z, {0}),
    (sp.exp(Z**2) - 2, {-sp.sqrt(sp.log(2)), sp.sqrt(sp.log(2))}),
]
REFUSED = [sp.sin(Z), (sp.exp(Z) - 1) ** 3 - 8, sp.exp(Z) - Z, Z**3 - 3 * Z + 1, sp.erf(Z) - sp.Rational(1, 2)]


@pytest.mark.parametrize(("argument", "expected"), FOUND)
def test_all_roots_are_found(argument: sp.Expr, expected: set[sp.Expr]) -> None:
    found = roots(argument)
    assert found is not None
    places = sorted({round(float(root), 12) for root in found})
    assert places == pytest.approx(sorted(float(root) for root in expected), abs=1e-12)
    z = np.linspace(-3.0137, 3.0171, 4001)
    signs = np.sign(sp.lambdify(Z, argument, "numpy")(z))
    turns = z[:-1][np.diff(signs) != 0]
    assert all(np.min(np.abs(np.array(places) - turn)) < 2e-3 for turn in turns)  # the grid's step is 1.5e-3


@pytest.mark.parametrize("argument", REFUSED)
def test_what_has_no_exact_root_here_is_said_so(argument: sp.Expr) -> None:
    assert roots(argument) is None
