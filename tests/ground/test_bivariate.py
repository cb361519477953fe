"""The bivariate normal distribution function against closed values, a two-dimensional rule, and its own derivatives."""

from __future__ import annotations

from functools import cache

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import arb

from glutheory.ground import bivariate
from glutheory.ground.balls import Tape, precision
from glutheory.ground.bivariate import phi2
from glutheory.ground.normal import Phi, Phi2, Phi2Rho

ARGUMENTS = (-2.5, -0.5, 0.0, 0.25, 1.75)
DIRECTIONS = ((-0.8, 0.6), (0.0, 1.0), (3.0, 4.0), (1.0, 2.0**-20), (-1.0, 2.0**-20))


@cache
def _reference(x: float, y: float, c: float, d: float) -> str:
    """∫_{−∞}^x φ(t) Φ((y√(c²+d²) − ct)/d) dt, cut where the step of a narrow direction is; the same of (y, x)."""
    with mpmath.workdps(30):
        size = mpmath.hypot(c, d)
        places = sorted({-12, x, *((max(-12, min(x, y * size / c + k * d / size)) for k in (-9, 0, 9)) if c else ())})
        return str(mpmath.quad(lambda t: mpmath.npdf(t) * mpmath.ncdf((y * size - c * t) / d), places))


@pytest.mark.long
@pytest.mark.parametrize("direction", DIRECTIONS, ids=str)
@pytest.mark.parametrize("x", ARGUMENTS)
def test_values(x: float, direction: tuple[float, float]) -> None:
    for y in ARGUMENTS:
        with precision(140):
            ball = phi2(*map(arb, (x, y, *direction)))
            assert ball.rad() < arb(2) ** -110
            # mpmath's rule is good to about 20 digits here, the cut at −12 to 1e-32
            assert abs(float(ball - arb(_reference(*sorted((x, y)), *direction)))) < 1e-18


def test_nothing_is_lost_near_the_ends() -> None:
    """At x = y the function tends to Φ(x) as ρ → 1, and at y = −x to 0 as ρ → −1, like √(1−ρ²)."""
    with precision(200):
        d = arb(2) ** -80
        x = arb("0.7")
        assert abs(phi2(x, x, arb(1), d) - (-x / arb(2).sqrt()).erfc() / 2) < d
        assert 0 < phi2(x, -x, arb(-1), d) < d


@pytest.mark.parametrize("sign", [1, -1])
def test_on_a_line(sign: int) -> None:
    """Where Y = ±X the quadrant is a half-line or an interval; a ball around d = 0 says nothing."""
    for x in ARGUMENTS:
        for y in ARGUMENTS:
            wanted = mpmath.ncdf(min(x, y)) if sign == 1 else max(0, mpmath.ncdf(x) - mpmath.ncdf(-y))
            with precision(100):
                found = phi2(arb(x), arb(y), arb(sign), arb(0))
                assert found.rad() < arb(2) ** -90
                assert abs(float(found) - wanted) < 1e-15  # of both, in double precision
                assert phi2(arb(x), arb(y), arb(sign), arb(0, 1e-30)).contains(found)
            assert float(Phi2(sp.Float(x), sp.Float(y), sign, 0).evalf()) == pytest.approx(float(wanted), abs=1e-15)


def test_the_square_root_of_an_inexact_zero_is_no_obstacle() -> None:
    """A ball around zero has no sign; the value is Lipschitz in it."""
    with precision(120):
        tiny = arb(0, arb(2) ** -100)
        assert phi2(tiny, arb(-1), arb(1), arb(2)).rad() < arb(2) ** -99


@pytest.mark.parametrize("argument", range(4))
def test_derivatives(argument: int) -> None:
    """Plackett's identity and the conditional distribution, against difference quotients of balls."""
    symbols = sp.symbols("x y c d", positive=True)
    slope = sp.diff(Phi2(*symbols), symbols[argument])
    with precision(200):
        point = [arb("0.3"), arb("-0.8"), arb("0.4"), arb("0.9")]
        step = arb(2) ** -60
        moved = [[p + sign * step * (i == argument) for i, p in enumerate(point)] for sign in (1, -1)]
        quotient = (phi2(*moved[0]) - phi2(*moved[1])) / (2 * step)
        value = Tape([slope], symbols).bind()(point)[0]
        # the quotient errs by step²/6 times the third derivative
        assert abs(value - quotient) < arb(2) ** -110
        assert not abs(value * (1 + arb(10) ** -20) - quotient) < arb(2) ** -110


def test_sympy_knows_their_numbers() -> None:
    x = sp.Rational(1, 3)
    assert abs(Phi(-x).evalf(40) - (sp.erfc(x / sp.sqrt(2)) / 2).evalf(40)) < sp.Float("1e-38", 40)
    assert abs(Phi2(0, 0, 1, 1).evalf(30) - sp.Rational(3, 8)) < sp.Float("1e-28", 30)
    assert Phi2(1, 2, 3, 4) == Phi2(2, 1, 3, 4)


def test_sympy_has_digits_of_small_numbers_and_limits() -> None:
    with mpmath.workdps(50):
        assert abs(Phi(-40).evalf(30) / sp.Float(mpmath.ncdf(-40), 50) - 1) < sp.Float("1e-29", 30)
    x, y = sp.Rational(-1), sp.Rational(1) + sp.Rational(1, 10**20)
    # Φ(−1) − Φ(−y) = φ(1)·10^−20 to first order
    assert float(Phi2(x, y, -1, 0).evalf() / sp.Float("1e-20")) == pytest.approx(float(mpmath.npdf(1)), rel=1e-14)
    assert Phi(sp.oo) == 1
    assert Phi(-sp.oo) == Phi2(x, -sp.oo, 1, 1) == 0
    assert Phi2(sp.oo, x, 1, 1) == Phi(x)
    assert Phi(sp.nan) is Phi(sp.zoo) is Phi2(x, sp.nan, 1, 0) is sp.nan


def test_lambdify_by_numpy_and_mpmath() -> None:
    x, y, c, d = sp.symbols("x y c d")
    expr = Phi2(x, y, c, d) + Phi(x) * y
    rows = np.array([(x, y, *direction) for x in ARGUMENTS for y in ARGUMENTS for direction in (*DIRECTIONS, (1, 0))])
    wanted = [float(expr.subs(dict(zip((x, y, c, d), map(sp.Float, row), strict=True))).evalf()) for row in rows]
    for modules in (None, "numpy", "scipy", "math"):
        found = sp.lambdify((x, y, c, d), expr, modules)
        single = [found(*map(float, row)) for row in rows]
        np.testing.assert_allclose(single, wanted, rtol=1e-14, atol=1e-15)  # two roundings of numbers below 2
    np.testing.assert_allclose(sp.lambdify((x, y, c, d), expr)(*rows.T), wanted, rtol=1e-14, atol=1e-15)
    with mpmath.workdps(30):
        function = sp.lambdify((x, y, c, d), expr, "mpmath")
        for sign in (1, -1):
            at = {x: sp.Rational(sign, 3), y: 2, c: -sign, d: 1}
            found = function(mpmath.mpf(sign) / 3, 2, -sign, 1)
            assert abs(sp.Float(found, 30) - expr.subs(at).evalf(30)) < sp.Float("1e-28", 30)


#: Quadrants far from the origin: corners, faces, and correlations of both signs near ±1.
FAR = [(-5, -5, "0.3"), (-6, -2, "0.9"), (-6, 2, "-0.9"), (-6, -5.9, "0.999"), (-4, 3.5, "-0.99"), (-30, -30, "0.3")]


@pytest.mark.long
@pytest.mark.parametrize(("x", "y", "rho"), FAR, ids=str)
def test_far_quadrants_keep_their_relative_accuracy(
    x: float, y: float, rho: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Against Owen's T with as many bits more as the value is small, which at the same precision loses them all."""

    def at(bits: int) -> arb:
        with precision(bits):
            c = arb(rho)
            return phi2(arb(x), arb(y), c, (1 - c * c).sqrt())

    far = at(200)
    assert far.rel_accuracy_bits() > 170
    monkeypatch.setattr(bivariate, "_FAR", float("inf"))
    assert far.overlaps(at(3000))
    assert at(200).rel_accuracy_bits() < far.rel_accuracy_bits()


def test_a_far_quadrant_holds_the_spread_of_its_arguments() -> None:
    with precision(120):
        c, d = arb("0.6"), arb("0.8")
        wide = phi2(arb(-8, 1e-9), arb(-7, 1e-9), c, d)
        for x, y in ((-8 - 9e-10, -7 - 9e-10), (-8 + 9e-10, -7 + 9e-10)):
            assert wide.overlaps(phi2(arb(x), arb(y), c, d))
        assert not wide.overlaps(phi2(arb(-8 + 3e-9), arb(-7 + 3e-9), c, d))


def test_plain_values() -> None:
    x, y, rho = sp.symbols("x y rho", real=True)
    assert Phi(sp.S.Zero) == sp.Rational(1, 2)
    assert Phi2Rho(x, y, sp.S.Zero) == Phi(x) * Phi(y)
    assert Phi2Rho(x, sp.S.Zero, sp.S.Zero) == Phi(x) / 2
    assert isinstance(Phi2Rho(x, y, rho), Phi2Rho)
