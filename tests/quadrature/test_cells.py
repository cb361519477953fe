"""Road 2 near |ρ| = 1 for kinked functions without closed form: cells between the lines of kinks."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import pytest
import sympy as sp
from flint import arb

from glutheory.activations import Activation, Z, activation
from glutheory.errors import PrecisionError
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.quadrature import enclose
from glutheory.quadrature.cells import celled
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.legendre import interpolatory
from glutheory.quadrature.line import density
from glutheory.quadrature.model import model
from glutheory.quadrature.panels import panelled
from glutheory.symbolic.mehler import series_balls
from tests.strategies import by_name

#: A kink at 0, several, one that is no root of a rational number, a jump; none has a closed normal form.
KINKED = (
    activation("softsign"),
    Activation("relu tanh", sp.Max(0, Z) * sp.tanh(Z)),
    Activation("abs gaussian", sp.Abs(Z) * sp.exp(-(Z**2))),
    Activation("hard tanh and ramp", sp.Max(-1, sp.Min(1, Z)) * sp.tanh(Z) + sp.Max(0, Z)),
    Activation("elu mixture", sp.Max(0, Z) + sp.Heaviside(-Z) * (sp.exp(Z) - 1) * sp.atan(Z)),
    Activation("shifted", sp.Max(0, Z - sp.sqrt(2)) * sp.atan(Z)),
    Activation("jump", sp.Heaviside(Z - 1) * sp.tanh(Z)),
)
GAPS = ("1e-2", "1e-3", "1e-5", "1e-8", "1e-12", "1e-20", "1e-30")
VARIANCES = ((1, 1), (4, Fraction(1, 4)), (Fraction(1, 100), 100))


def _near(a: Any, b: Any, gap: str, sign: int) -> Point:
    """√(ab) is rational for all of `VARIANCES`."""
    root = sp.sqrt(sp.Rational(a) * sp.Rational(b))
    return Point.of(a, b, sign * Fraction(int(root.p), int(root.q)) * (1 - Fraction(gap)))


def _cases() -> Iterator[object]:
    for act in KINKED:
        for k, (a, b) in enumerate(VARIANCES):
            for gap in GAPS:
                for sign in (1, -1):
                    quick = k == 0 and sign > 0 and gap == "1e-30" and act.name != "softsign"
                    name = f"{act.name} {a} {b} {sign} {gap}"
                    yield pytest.param(act, _near(a, b, gap, sign), id=name, marks=() if quick else pytest.mark.slow)


@pytest.mark.long
@pytest.mark.parametrize(("act", "point"), list(_cases()))
def test_thirty_digits_by_both_roads(act: Activation, point: Point) -> None:
    """30 digits after the scale; how long it takes is measured by benchmarks/evaluate.py."""
    balls = enclose(act, point.a, point.b, point.c, digits=30)
    try:
        values = series_balls(act, point, 30)
    except PrecisionError as error:
        # road 1 asks for digits of the value, which near ρ = −1 may be far below the scale
        values = error.reached
    scales = [
        [abs(ball) for ball in enclose(act, variance, variance, variance, digits=5)] for variance in (point.a, point.b)
    ]
    with precision(160):
        for ball, value, one, two in zip(balls, values, *scales, strict=True):
            assert ball.overlaps(value)
            # φ' with delta functions has no scale: relative to T itself, to 1 where T is not told from 0
            infinite = arb(1) if ball.contains(0) else abs(ball)
            size = arb((one * two).sqrt()) if one.is_finite() else infinite
            assert ball.rad() <= size.upper() * arb(10) ** -30


_UNIT = 1 + Fraction(1, 10**6)
#: Rows that differ in norm by as much as in direction: kinks of u and v cross beside each other, not at one place.
NEARLY_EQUAL = (
    Point.of(Fraction(1, 2), Fraction(1, 2) + Fraction(1, 2 * 10**14), Fraction(1, 2)),
    Point.of(1, _UNIT**2, _UNIT * (1 - Fraction(1, 10**10))),
    Point.of(1, _UNIT**2, -_UNIT * (1 - Fraction(1, 10**20))),
)


@pytest.mark.long
@pytest.mark.parametrize("point", NEARLY_EQUAL, ids=["of 1e-14", "of 1e-6", "opposite"])
@pytest.mark.parametrize("act", [KINKED[3], KINKED[6]], ids=by_name)
def test_nearly_equal_norms_by_both_roads(act: Activation, point: Point) -> None:
    """The rules between lines that meet side by side lost all digits, and `evaluate` refused after four seconds."""
    values = series_balls(act, point, 30)
    with precision(160):
        for ball, value in zip(enclose(act, point.a, point.b, point.c, digits=30), values, strict=True):
            assert ball.overlaps(value)
            assert ball.rad() < arb(10) ** -29 * (1 + abs(ball))


#: Where lines meet they are as near as the gap, elsewhere as its root: less than the rounding of a double.
FINE = ("1e-17", "1e-20", "1e-24", "1e-40", "1e-80")


@pytest.mark.parametrize("act", KINKED, ids=by_name)
@pytest.mark.parametrize("gap", FINE)
@pytest.mark.parametrize(("a", "b"), VARIANCES[:2])
@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.slow
def test_sixty_digits_tell_the_order_of_lines_that_are_one_double(
    act: Activation, gap: str, a: Any, b: Any, sign: int
) -> None:
    point = _near(a, b, gap, sign)
    balls = enclose(act, point.a, point.b, point.c, digits=60)
    try:
        values = series_balls(act, point, 60)
    except PrecisionError as error:
        values = error.reached
    with precision(400):
        for ball, value in zip(balls, values, strict=True):
            assert ball.overlaps(value)
            assert ball.rad() < arb(10) ** -55 * arb.max(arb(1), abs(ball))


def test_a_third_way_to_the_number_that_was_wrong() -> None:
    """Hard tanh·tanh + ReLU at 1 − ρ = 1e-20, where `enclose` was 8e-32 away; E[(φ'(u) − φ'(v))²]/2 by mpmath.

    In s = (u + v)/(2α) and t = (u − v)/(2β), split at the kinks, by Gauss–Legendre rules at 60 digits.
    """
    true = arb("1.51211826776413787702078521941000149065838371 +/- 1e-44")
    act = KINKED[3]
    assert act.name == "hard tanh and ramp"
    point = _near(1, 1, "1e-20", 1)
    with precision(200):
        assert enclose(act, 1, 1, point.c, digits=42)[1].overlaps(true)
        assert series_balls(act, point, 42)[1].overlaps(true)


@pytest.mark.parametrize("apart", ["1e-20", "1e-45", "1e-70"])
@pytest.mark.parametrize("sign", [1, -1])
def test_jumps_that_nearly_coincide(apart: str, sign: int) -> None:
    """zH(z − 1) at v = ±(1 + δ)u: where u passes 1, v is beyond it; T = P(u > 1) + n(1), whatever δ, S = (1 + δ)·M."""
    act, ratio = Activation("ramp", Z * sp.Heaviside(Z - 1)), 1 + Fraction(apart)
    if sign < 0:
        act = Activation("two ramps", Z * sp.Heaviside(Z - 1) + Z * sp.Heaviside(-Z - 1))
    point = Point.of(1, ratio**2, sign * ratio)
    with precision(400):
        beyond, height = (1 / arb(2).sqrt()).erfc() / 2, density(arb(1))
        # two symmetric halves; of the odd one the product changes its sign
        S, T = beyond + height, beyond + height
        if sign < 0:
            S, T = -2 * S, 2 * T
        S *= arb(ratio.numerator) / ratio.denominator
        for values in (enclose(act, point.a, point.b, point.c, digits=30), series_balls(act, point, 30)):
            assert values[0].overlaps(S)
            assert values[1].overlaps(T)
            assert max(value.rad() for value in values) < 1e-29


@pytest.mark.parametrize("act", KINKED, ids=by_name)
@pytest.mark.parametrize("sign", [1, -1])
def test_the_ends_continue_the_interior(act: Activation, sign: int) -> None:
    """S(±√(ab)) is the limit, with ∂S/∂c = T: |S(1) − S(1 − g)| is g·T to first order, √g where φ jumps."""
    if act.name == "jump" and sign > 0:
        gap, most = Fraction(1, 10**30), Fraction(1, 10**15)
    else:
        gap, most = Fraction(1, 10**20), Fraction(2, 10**20)
    near, end = (enclose(act, 1, 1, sign * c, digits=25)[0] for c in (1 - gap, 1))
    assert abs(near - end) <= arb(most.numerator) / most.denominator + arb(10) ** -24


@pytest.mark.parametrize("act", KINKED[1:], ids=by_name)
@pytest.mark.parametrize(("a", "b"), VARIANCES[:2])
@pytest.mark.slow
def test_cells_and_products_of_panels_agree(act: Activation, a: Any, b: Any) -> None:
    """They share no coordinate, no rule in the second variable and no error bound; T here without delta functions."""
    point, logs, found = _near(a, b, "1e-2", 1), [-46.0, -46.0], model(act.expr).whole
    with precision(160):
        frame = Frame.of(point)
        functions = found.value, found.slope
        one, two = celled(frame, functions, logs), panelled(frame, functions, logs, 10**7)
        assert one is not None
        assert two is not None
        for x, y in zip(one, two, strict=True):
            assert x.overlaps(y)
            assert max(x.rad(), y.rad()) < 1e-19
        # negative control: a correlation 1e-15 away is told apart
        other = celled(Frame.of(Point.of(a, b, point.c + Fraction(1, 10**15))), functions, logs)
        assert other is not None
        assert not other[0].overlaps(two[0])


@pytest.mark.parametrize("name", ["relu", "leaky_relu"])
@pytest.mark.parametrize("log", [-50.0, -72.0])
def test_the_proved_error_holds(name: str, log: float) -> None:
    """Against the reduction to one dimension: with more digits, nothing hides an error of a few times the radius."""
    point, found = _near(1, 1, "1e-8", 1), model(activation(name).expr).whole
    exact = enclose(name, point.a, point.b, point.c, digits=40)
    with precision(200):
        balls = celled(Frame.of(point), (found.value, found.slope), [log, log])
        assert balls is not None
        for ball, value in zip(balls, exact, strict=True):
            assert ball.overlaps(value)
            assert ball.rad() < arb(log + 3).exp()


@pytest.mark.parametrize(("middle", "half"), [(0, 1), ("3", "0.5"), ("6.25", "6.25"), ("-4", "1e-9")])
def test_the_rule_with_the_density(middle: str | int, half: str) -> None:
    """Exact for polynomials: E[1], E[t] by parts, and t^(count−1) against the rule with twice the points."""
    with precision(200):
        m, h = arb(str(middle)), arb(str(half))
        rule, finer = interpolatory(m, h, 12), interpolatory(m, h, 24)
        mass = (((m + h) / arb(2).sqrt()).erf() - ((m - h) / arb(2).sqrt()).erf()) / 2
        first = density(m - h) - density(m + h)
        for power, exact in ((0, mass), (1, first)):
            found = sum((weight * t**power for t, weight in rule), arb(0))
            assert found.overlaps(exact)
            assert found.rad() < 1e-40
        tops = [sum((weight * (t - m) ** 11 for t, weight in nodes), arb(0)) for nodes in (rule, finer)]
        assert tops[0].overlaps(tops[1])
        # negative control: higher powers are not
        over = [sum((weight * ((t - m) / h) ** 24 for t, weight in nodes), arb(0)) for nodes in (rule, finer)]
        assert not over[0].overlaps(over[1])
