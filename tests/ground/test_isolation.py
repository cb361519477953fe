"""Roots that no formula gives: all of them, against a grid of signs and mpmath's root finder; tails; digits."""

from __future__ import annotations

import pickle

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from glutheory.activations import Z
from glutheory.ground.balls import Tape, precision
from glutheory.ground.isolation import NotIsolatedError, isolated
from glutheory.ground.roots import Root
from glutheory.ground.tails import UndecidedError, sign_beyond

_THIRD, _LOGISTIC = sp.Rational(1, 3), 1 / (1 + sp.exp(-Z))
#: An argument, and where it changes its sign or touches 0: exactly, or a start for mpmath.
FOUND: list[tuple[sp.Expr, tuple[sp.Expr | float, ...]]] = [
    # of third order at 0
    (Z - sp.tanh(Z), (0,)),
    (sp.sin(Z) - Z, (0,)),
    # touching at numbers that can be written down
    (sp.exp(Z) - 1 - Z, (0,)),
    (sp.exp(Z - 1) - Z, (1,)),
    (sp.exp(Z) - 2 * Z - 2 + 2 * sp.log(2), (sp.log(2),)),
    ((Z - _THIRD) ** 2 * (sp.exp(Z) + 1), (_THIRD,)),
    # nearly touching: the least value is 2 − 2 log 2 less the constant
    (sp.exp(Z) - 2 * Z - sp.Rational(61370, 100000), ()),
    (sp.exp(Z) - 2 * Z - sp.Rational(61371, 100000), (0.68, 0.71)),
    # crossing
    (Z / 2 - sp.tanh(Z), (-1.9, 0, 1.9)),
    (sp.atan(Z) - Z / 3, (-4.0, 0, 4.0)),
    (sp.exp(Z) - 3 * Z, (0.6, 1.5)),
    (sp.exp(Z / 2) - 1000 * Z, (0.001, 19.8)),
    (sp.cos(Z) - Z, (0.7,)),
    (sp.sin(Z) - Z / 10, (-8.4, -7.1, -2.85, 0, 2.85, 7.1, 8.4)),
    (sp.log(1 + Z**2) - Z, (0,)),
    (sp.sqrt(1 + Z**2) - 2 * Z, (0.57,)),
    (sp.erf(Z) - sp.Rational(1, 2), (0.48,)),
    (Z * sp.tanh(sp.log(1 + sp.exp(Z))) - 1, (1.2,)),
    (Z**3 - 3 * Z + 1, (-1.9, 0.35, 1.5)),
    # nowhere, or 0 only at infinity
    (sp.log(1 + sp.exp(Z)) - Z, ()),
    (sp.exp(-(Z**2)) + 1 / sp.cosh(Z), ()),
    # between functions of the zoo, which differ by 1e-4
    (Z * _LOGISTIC - Z * (1 + sp.erf(Z / sp.sqrt(2))) / 2, (0,)),
]
REFUSED = {
    sp.sin(Z): "go on without end",
    sp.sin(Z**2): "go on without end",
    sp.exp(-Z) * sp.cos(Z): "go on without end",
    sp.asin(Z / 3) - Z / 2: "could not be bounded",
    # touches where no number that is tried is: at −W(−1/e²…)
    (sp.exp(Z) - 3 * Z) ** 2: "only comes near 0",
    1 / (Z - sp.sqrt(2)) + sp.exp(-(Z**2)): "only comes near 0",
}


def _true(argument: sp.Expr, places: tuple[sp.Expr | float, ...]) -> list[float]:
    function = sp.lambdify(Z, argument, "mpmath")
    return [float(mpmath.findroot(function, place)) if isinstance(place, float) else float(place) for place in places]


@pytest.mark.parametrize(("argument", "places"), FOUND, ids=str)
def test_all_roots_are_found(argument: sp.Expr, places: tuple[sp.Expr | float, ...]) -> None:
    found = isolated(argument, -sp.oo, sp.oo)
    assert sorted(float(root) for root in found) == pytest.approx(_true(argument, places), abs=1e-14)
    exact = {place for place in places if not isinstance(place, float)}
    assert {root for root in found if not root.has(Root)} == exact
    # what no list of this test's can forget: every change of sign on a grid
    z = np.linspace(-30.013, 30.017, 60_001)
    with np.errstate(all="ignore"):
        signs = np.sign(np.asarray(sp.lambdify(Z, argument, ["scipy", "numpy"])(z), dtype=float))
    for turn in z[:-1][(np.diff(signs) != 0) & (signs[:-1] != 0) & (signs[1:] != 0)]:
        assert min(abs(float(root) - turn) for root in found) < 2e-3


@pytest.mark.parametrize("argument", REFUSED, ids=str)
def test_what_is_not_decided_is_not_guessed(argument: sp.Expr) -> None:
    with pytest.raises(NotIsolatedError, match=REFUSED[argument]):
        isolated(argument, -sp.oo, sp.oo)


def test_only_roots_between_the_ends_are_asked_for() -> None:
    argument = Z / 2 - sp.tanh(Z)
    (above,) = isolated(argument, sp.S.Zero, sp.oo)
    assert isolated(argument, -sp.oo, sp.S.Zero) == (-above,)
    assert isolated(argument, above, sp.oo) == ()
    assert set(isolated(argument, -above - 1, above + 1)) == {-above, 0, above}
    # an end beyond which the function is not real
    assert len(isolated(sp.log(Z) - Z / 3, sp.S.One, sp.oo)) == 2
    # a multiple and the mirror image have the same
    assert isolated(3 * sp.tanh(Z) - 3 * Z / 2, sp.S.Zero, sp.oo) == (above,)


def test_digits() -> None:
    (root,) = isolated(sp.cos(Z) - Z, -sp.oo, sp.oo)
    with mpmath.workdps(220), precision(700):
        true = mpmath.findroot(lambda z: mpmath.cos(z) - z, mpmath.mpf("0.739"))
        assert abs(root.ball() - arb(mpmath.nstr(true, 210))) < arb(10) ** -199
        assert root.ball().rad() < arb(10) ** -199
        assert Tape([sp.cos(root) - root], []).bind()([])[0].contains(0)
    assert str(root.evalf(50)) == mpmath.nstr(true, 50)
    assert str(root) == "0.73908513"


def test_a_root_is_a_number() -> None:
    (root,) = isolated(sp.exp(Z) - 3 * Z, sp.S.One, sp.oo)
    assert root.is_positive
    assert root.is_real
    assert (root - 2).is_negative
    assert bool(root < 2)
    assert (root - root) == 0
    assert not root.has(Z)
    assert sp.diff(Z * root, Z) == root
    again = pickle.loads(pickle.dumps(root))
    assert again == root
    assert hash(again) == hash(root)
    other = isolated(sp.exp(Z) - 3 * Z, -sp.oo, sp.S.One)[0]
    assert other != root
    assert int(root) == 1


#: Beyond R: the sign of the function of z > 0.
TAILS = [
    (Z - sp.tanh(Z), 1),
    (sp.tanh(Z) - 1, -1),
    (Z * sp.tanh(Z) - Z, -1),
    (sp.log(1 + sp.exp(Z)) - Z, 1),
    (sp.log(sp.cosh(Z)) - Z + sp.log(2), 1),
    (sp.erf(Z) - sp.tanh(Z), 1),
    (sp.erfc(Z) - sp.exp(-Z), -1),
    (sp.atan(Z) - sp.pi / 2, -1),
    (sp.erf(Z) - 1, -1),
    (sp.erf(-Z) + 1, 1),
    (sp.atan(-Z) + sp.pi / 2 - 1 / (2 * Z), 1),
    (sp.sqrt(1 + Z**2) - Z, 1),
    (Z - 3 * sp.log(Z) - 2, 1),
    (sp.sin(Z) / Z - 1, -1),
    (sp.cosh(Z) - sp.exp(Z) / 2, 1),
    (sp.exp(-(Z**2)) - sp.exp(-3 * Z), -1),
    (2 + sp.sin(Z), 1),
    (Z - Z, 0),
]


@pytest.mark.parametrize(("expr", "sign"), TAILS, ids=str)
def test_tails(expr: sp.Expr, sign: int) -> None:
    found = []
    for R in (4, 16, 64):
        try:
            found.append(sign_beyond(expr, R))
        except UndecidedError:
            continue
    assert found
    assert set(found) == {sign}


@pytest.mark.parametrize("expr", [sp.sin(Z), Z * sp.cos(Z) - 1, sp.exp(-Z) * (1 + sp.sin(Z)), sp.gamma(Z)], ids=str)
def test_tails_that_are_not_decided(expr: sp.Expr) -> None:
    for R in (4, 64):
        with pytest.raises(UndecidedError):
            sign_beyond(expr, R)


_INNER = st.sampled_from([Z, 2 * Z, Z / 3, -Z, Z**2 / 4, Z - 1])
_OUTER = st.sampled_from([sp.tanh, sp.atan, sp.erf, sp.sin, lambda x: sp.log(1 + x**2), lambda x: sp.exp(-(x**2))])
_POWERS = st.sampled_from([sp.S.One, Z, Z**2, 1 / (1 + Z**2), sp.log(Z)])
_NUMBERS = st.builds(sp.Rational, st.integers(-4, 4), st.integers(1, 3))
_TERMS = st.builds(lambda c, p, f, g: c * p * f(g), _NUMBERS, _POWERS, _OUTER, _INNER)


@given(st.lists(_TERMS, min_size=1, max_size=3), _NUMBERS)
def test_a_sign_that_is_told_is_the_sign_everywhere(terms: list[sp.Expr], constant: sp.Rational) -> None:
    """At R and on to 1000 R, with digits enough that what cancels does not."""
    expr, R = sp.Add(*terms, constant), 16
    try:
        sign = sign_beyond(expr, R)
    except UndecidedError:
        return
    function = sp.lambdify(Z, expr, "mpmath")
    with mpmath.workdps(60):
        for x in (R, R + 0.5, R + 2.2, 2 * R, 5 * R, 30 * R, 1000 * R):
            value = mpmath.re(function(mpmath.mpf(x)))
            assert mpmath.sign(value) == sign or abs(value) < mpmath.mpf(10) ** -50
