"""Fractional powers at a kink: road 2 in polar coordinates, road 1 by hypergeometric functions, gram; all spellings."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from flint import arb

import glutheory as glu
from glutheory.activations.parser import parse_expression
from glutheory.errors import ExpressionError
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.quadrature import enclose, polar, rules
from glutheory.quadrature.frame import Frame
from glutheory.quadrature.line import on_diagonal
from glutheory.quadrature.model import model
from glutheory.symbolic.mehler import series_balls

FORMULAS = ("max(0,z)**1.5", "z + abs(z)**2.5", "sign(z)*abs(z)**1.5 - z**2", "max(0,-2*z)*sqrt(max(0,-2*z))/3")
GAPS = ("1", "0.5", "1e-4", "1e-15", "1e-30", "0")
#: All of them are max(0, z)^(3/2).
SPELLINGS = (
    "max(0,z)*sqrt(max(0,z))",
    "max(0,z)**(3/2)",
    "sqrt(max(0,z))**3",
    "max(0,z)**2/sqrt(max(0,z))",
    "sqrt(max(0,z)**3)",
    "max(z,0)**1.5",
)


def _own(text: str) -> glu.Activation:
    return glu.Activation(text, parse_expression(text))


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.parametrize("gap", GAPS)
@pytest.mark.parametrize("sign", [1, -1])
def test_both_roads_give_thirty_digits(text: str, gap: str, sign: int) -> None:
    act, c = _own(text), sign * (1 - Fraction(gap)) / 2
    theirs, ours = enclose(act, 1, "0.25", c, digits=30), series_balls(act, Point.of(1, "0.25", c), 30)
    with precision(160):
        for one, two in zip(theirs, ours, strict=True):
            assert one.overlaps(two)
            assert two.rad() <= abs(two) * arb(10) ** -30 or two == 0 or abs(two).upper() < 1e-60
            assert one.rad() < 1e-29


def test_moments_by_hand() -> None:
    """E[z₊³] = 2/√(2π) and E[z₊]·9/4 at ρ = 1; E[z₊^{3/2}]² = (2^{3/4} Γ(5/4)/(2√π))² at ρ = 0."""
    act = _own("max(0,z)**1.5")
    S, T = enclose(act, 1, 1, 1, digits=25)
    with precision(120):
        root = (2 * arb.pi()).sqrt()
        assert S.overlaps(2 / root)
        assert T.overlaps(arb(9) / 4 / root)
        mean = arb(2) ** (arb(3) / 4) * (arb(5) / 4).gamma() / (2 * arb.pi().sqrt())
        assert enclose(act, 1, 1, 0, digits=25)[0].overlaps(mean * mean)
    # negative control: the neighbours z₊ and z₊² are not confused with it
    assert not enclose("relu", 1, 1, 1)[0].overlaps(S)
    assert not enclose("relu2", 1, 1, 1)[0].overlaps(S)


@pytest.mark.parametrize("text", SPELLINGS)
def test_all_spellings_are_one_function(text: str) -> None:
    for gap in ("0.5", "1e-20"):
        c = 1 - Fraction(gap)
        first, other = (glu.evaluate(_own(one), 1, 1, c, digits=30) for one in (FORMULAS[0], text))
        assert first == other


@pytest.mark.parametrize("text", FORMULAS)
@pytest.mark.slow
def test_gram_has_its_digits(text: str) -> None:
    """1e-12 of the scale, with duplicates, opposites, near neighbours and norms apart."""
    act = _own(text)
    X = np.array([[1.0, 0], [1, 0], [-1, 0], [1, 1e-7], [1, 1e-3], [30, 2], [0.02, 0.5]])
    found = glu.gram(glu.product(act), X, kind="nngp")
    for i in range(len(X)):
        for j in range(i + 1):
            # exact products of the rows as they are
            a, b, c = (
                sum(Fraction(x) * Fraction(y) for x, y in zip(X[p], X[q], strict=True)) / 2
                for p, q in ((i, i), (j, j), (i, j))
            )
            wanted = float(glu.evaluate(act, a, b, c, digits=20)[0])
            assert abs(found[i, j] - wanted) <= 1e-12 * np.sqrt(found[i, i] * found[j, j])


@pytest.mark.parametrize("exponent", ["1.2", "z", "16.5", "1/3"])
def test_other_exponents_are_refused_in_a_sentence(exponent: str) -> None:
    with pytest.raises(ExpressionError, match=r"the exponent .* is not an integer from -16 to 16, or halfway"):
        parse_expression(f"max(0,z)**({exponent})")


#: Integer exponents, with kinks, jumps and both.
INTEGERS = ("max(0,z)", "step(z)", "2*sign(z) + z", "max(0,z)**3 - 2*abs(z)", "z**2*step(z) + 3*step(-z)")


@pytest.mark.parametrize("text", INTEGERS)
@pytest.mark.parametrize("rho", ["0.3", "-0.999", "0.9999999999", "-0.9999999999"])
def test_integers_by_the_angle_and_by_the_line(text: str, rho: str) -> None:
    """The line integral of the conditional mean knows nothing of angles; deltas of T are in both."""
    part, logs = model(parse_expression(text)).whole, (-80.0, -80.0)
    point = Point(Fraction(1), Fraction(4), 2 * Fraction(rho))
    theirs = enclose(_own(text), point.a, point.b, point.c, digits=30)
    with precision(256):
        for one, two in zip(theirs, rules._closed(Frame.of(point), part, logs), strict=True):
            assert one.overlaps(two)
            assert max(one.rad(), two.rad()) < 1e-24 * (1 + abs(one))


@pytest.mark.parametrize("text", INTEGERS)
def test_integers_at_the_ends_and_in_the_middle(text: str) -> None:
    """At ρ = 0 the means factor, at ρ = ±1 all is on a line."""
    part = model(parse_expression(text)).whole
    for c in (0, 2, -2):
        point = Point(Fraction(1), Fraction(4), Fraction(c))
        with precision(256):
            frame = Frame.of(point)
            for one, function in zip(enclose(_own(text), 1, 4, c), (part.value, part.slope), strict=True):
                two = rules._product(frame, function, -80.0) if c == 0 else on_diagonal(point, frame, function, -80.0)
                assert one.overlaps(two) or one == two


def test_a_thousand_digits_of_relu_in_the_textbook() -> None:
    """(sin θ + (π − θ) cos θ)/2π and (π − θ)/2π at θ = arccos 0.3."""
    S, T = enclose("relu", 1, 1, "0.3", digits=1000)
    with precision(4000):
        theta = (arb(3) / 10).acos()
        assert T.overlaps((arb.pi() - theta) / (2 * arb.pi()))
        assert S.overlaps((theta.sin() + (arb.pi() - theta) * arb(3) / 10) / (2 * arb.pi()))
        assert max(S.rad(), T.rad()) < arb(10) ** -1000


def test_a_shorter_taylor_polynomial_errs_and_its_bound_says_so() -> None:
    with precision(300):
        theta, width = arb(1), arb("1.25")
        exact = polar._trigonometric(3, 2, theta, width, arb(2) ** -280)
        for goal in ("1e-2", "1e-5", "1e-20"):
            coarse = polar._trigonometric(3, 2, theta, width, arb(goal))
            assert coarse.overlaps(exact)
            assert abs(coarse.mid() - exact) > 1e-80
            assert coarse.rad() < arb(goal)
