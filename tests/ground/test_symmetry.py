"""Homogeneity, parity and straight lines, read from definitions: against the zoo's rows, and floating point."""

from __future__ import annotations

import math

import pytest
import sympy as sp

from glutheory.activations import Z, activation, activation_names
from glutheory.ground.symmetry import symmetry
from tests.zoo import ROWS


@pytest.mark.parametrize("name", activation_names())
def test_degrees_are_those_of_the_zoo(name: str) -> None:
    row, found = ROWS[name], symmetry(activation(name).expr)
    assert found.degree == (row.growth if row.homogeneous else None), name


@pytest.mark.parametrize("name", activation_names())
def test_parities_are_those_of_values(name: str) -> None:
    row, found = ROWS[name], symmetry(activation(name).expr)
    points = (0.3, 1.1, 2.7)
    even, odd = (all(math.isclose(row.phi(-z), s * row.phi(z), abs_tol=1e-12) for z in points) for s in (1, -1))
    # what floating point shows must also have been proved
    assert found.parity == (1 if even else -1 if odd else 0), name


def test_lines() -> None:
    assert symmetry(3 * Z - 2).line == (3, -2)
    assert symmetry(sp.Max(0, Z)).line is None
    assert symmetry(Z**2).line is None


@pytest.mark.parametrize(
    ("expr", "degree", "parity"),
    [
        (sp.Max(0, Z - 1), None, 0),
        (sp.Max(0, Z) ** 2 - 3 * sp.Min(0, Z) ** 2, 2, 0),
        (sp.Abs(Z) * Z, 2, -1),
        (Z**2 + Z, None, 0),
        (sp.Max(0, Z) + sp.Min(0, Z) ** 2, None, 0),
        (sp.cos(Z) * sp.Abs(Z), None, 1),
        (sp.log((1 + sp.exp(Z)) / (1 + sp.exp(-Z))), None, -1),
    ],
)
def test_other_functions(expr: sp.Expr, degree: int | None, parity: int) -> None:
    found = symmetry(expr)
    assert (found.degree, found.parity) == (degree, parity)


@pytest.mark.parametrize("name", activation_names())
def test_one_sided_functions_are_those_of_values(name: str) -> None:
    phi = ROWS[name].phi
    points = (0.1, 0.3, 0.9, 1.7, 4.1)
    wanted = any(all(phi(sign * z) == 0 for z in points) for sign in (1, -1))
    assert symmetry(activation(name).expr).one_sided == wanted, name


@pytest.mark.parametrize(
    ("expr", "one_sided", "jumps"),
    [
        (sp.Heaviside(Z), True, True),
        (sp.Heaviside(-Z), True, True),
        (Z * sp.Heaviside(Z - 1), True, False),
        (sp.Max(0, Z + 1), False, False),
        (sp.Max(0, Z) + sp.Max(0, -Z - 1), False, False),
        (sp.sign(Z), False, True),
        (sp.tanh(Z), False, False),
    ],
)
def test_sides_and_jumps(expr: sp.Expr, one_sided: bool, jumps: bool) -> None:
    found = symmetry(expr)
    assert (found.one_sided, found.jumps_at_zero) == (one_sided, jumps)
