"""Kinks, branches and jumps, against the definition evaluated point by point."""

from __future__ import annotations

import pytest
import sympy as sp
from hypothesis import given
from hypothesis import strategies as st

from glutheory.activations import Z, activation, activation_names
from glutheory.errors import ExpressionError
from glutheory.ground.pieces import MAX_KINKS, Pieces, pieces

EXPRESSIONS = [activation(name).expr for name in activation_names()] + [
    sp.Max(0, Z - 1),
    sp.Abs(sp.Abs(Z) - 1),
    sp.Max(-1, sp.Min(1, Z)),
    Z * sp.Max(0, sp.Min(6, Z + 3)) / 6,
    sp.Max(Z, 1, 2 * Z, -3),
    sp.Heaviside(Z) * sp.Heaviside(Z - 1),
    sp.Heaviside(1 - 2 * Z) * sp.sign(Z + 1) + sp.exp(-sp.Abs(Z)),
    sp.Abs(Z - sp.sqrt(2)) * sp.tanh(Z),
    sp.sqrt(sp.Max(0, Z) ** 2),
]


def branch_at(found: Pieces, x: sp.Rational) -> sp.Expr:
    index = sum(1 for kink in found.kinks if kink < x)
    return found.branches[index]


@given(st.sampled_from(EXPRESSIONS), st.integers(-4000, 4000).filter(lambda k: k % 1000))
def test_the_branches_are_the_function(expr: sp.Expr, thousandths: int) -> None:
    x = sp.Rational(thousandths, 1000)
    found = pieces(expr)
    assert sp.N(branch_at(found, x).subs(Z, x) - expr.subs(Z, x), 30) == pytest.approx(0, abs=1e-25)


@given(st.sampled_from(EXPRESSIONS))
def test_the_jumps_and_the_derivative(expr: sp.Expr) -> None:
    found = pieces(expr)
    assert list(found.kinks) == sorted(found.kinks)
    assert len(found.branches) == len(found.kinks) + 1 == len(found.jumps) + 1
    for left, right, kink, jump in zip(found.branches, found.branches[1:], found.kinks, found.jumps, strict=False):
        assert sp.N(expr.subs(Z, kink + sp.Rational(1, 10**9)) - expr.subs(Z, kink - sp.Rational(1, 10**9))) == (
            pytest.approx(float(jump), abs=1e-7)
        )
        assert sp.simplify(left - right) != 0
    assert [
        sp.simplify(slope - sp.diff(branch, Z))
        for slope, branch in zip(found.derivative(), found.branches, strict=True)
    ] == ([0] * len(found.branches))


def test_known_pieces() -> None:
    assert pieces(sp.Heaviside(Z - 2) * 3).jumps == (3,)
    assert pieces(sp.sign(-Z)).jumps == (-2,)
    assert pieces(sp.Max(0, Z)).jumps == (0,)
    assert pieces(sp.Max(0, Z)).derivative() == (0, 1)
    assert pieces(sp.Max(0, Z) + sp.Min(0, Z)) == Pieces((), (Z,), ())
    assert pieces(sp.Abs(0.5 * Z - 0.25)).kinks == (sp.Rational(1, 2),)
    assert pieces(sp.tanh(Z)).smooth
    assert not pieces(sp.Abs(Z)).smooth
    assert pieces(sp.Max(1 + Z**2, 0)).smooth


@pytest.mark.long
@pytest.mark.parametrize(
    ("expr", "message"),
    [
        (sp.Max(0, sp.sin(Z) - sp.Rational(1, 9)), "whose roots go on without end"),
        (sp.Abs(sp.sin(Z)), "sin\\(z\\)"),
        (sp.Symbol("s", positive=True) * Z, "symbol s"),
        (sp.Piecewise((Z, Z > 0), (0, True)), "Piecewise"),
        (sp.DiracDelta(Z), "DiracDelta"),
        (sp.Heaviside(Z) / Z, "has a pole at z = 0"),
        (sp.Abs(Z) * sp.log(sp.Abs(Z)), "no finite value at its kink z = 0, and no limit is taken there"),
        (sum((sp.Abs(Z - k) for k in range(MAX_KINKS + 1)), sp.S.Zero), "kinks"),
    ],
)
def test_what_is_refused(expr: sp.Expr, message: str) -> None:
    with pytest.raises(ExpressionError, match=message):
        pieces(expr)


@pytest.mark.parametrize("expr", [sp.sqrt(sp.Abs(Z)), sp.sqrt(sp.Max(0, Z)), Z * sp.sqrt(sp.Abs(Z - 2)) + Z])
def test_unbounded_derivatives_are_refused_where_they_are_asked_for(expr: sp.Expr) -> None:
    found = pieces(expr)
    with pytest.raises(ExpressionError, match=r"is unbounded at z = [02], and the NTK asks"):
        found.derivative()


def test_bounded_derivatives_are_not() -> None:
    root = sp.sqrt(sp.Max(0, Z))
    assert pieces(sp.Max(0, Z) * root).derivative()[0] == 0
    # the root is away from the kink
    assert len(pieces(sp.Abs(Z) * sp.sqrt(Z**2 + 1)).derivative()) == 2
