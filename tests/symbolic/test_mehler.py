"""The sum of a Hermite series: its digits, its two rules against each other and against road 2."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import pytest
import sympy as sp
from flint import arb

from glutheory import activation, enclose
from glutheory.activations import Activation, Z
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.symbolic import semigroup
from glutheory.symbolic.deltas import delta_part
from glutheory.symbolic.mehler import series_balls
from glutheory.symbolic.piecewise import Frame, piecewise
from glutheory.symbolic.product_rule import product_rule
from glutheory.symbolic.rotated import rotated
from tests.strategies import by_name
from tests.zoo import SERIES

LOGISTIC = 1 / (1 + sp.exp(-Z))
#: Users' functions: smooth, with a kink, with a jump, with one away from 0, with a Gaussian.
OWN: dict[str, sp.Expr] = {
    "silu^2": (Z * LOGISTIC) ** 2,
    "arctan": sp.atan(Z),
    "erf^2": sp.erf(Z) ** 2,
    "relu tanh": sp.Max(0, Z) * sp.tanh(Z),
    "hard_tanh sigmoid": sp.Max(-1, sp.Min(1, Z)) * LOGISTIC,
    "softsign + step": Z / (1 + sp.Abs(Z)) + sp.Heaviside(Z),
    "tanh beyond 1": sp.Heaviside(Z - 1) * sp.tanh(Z),
    "relu + shifted gaussian": sp.Max(0, Z) + sp.exp(-((Z - 1) ** 2)),
}
ACTIVATIONS = (*map(activation, SERIES), *(Activation(name, expr) for name, expr in OWN.items()))
#: Variances, and correlations at which road 2 has a rule for every function.
VARIANCES = [("1", "1"), ("4", "0.3"), ("100", "100"), ("0.01", "100")]
CORRELATIONS = ["0.3", "-0.7", "0.95", "1", "-1", "0"]
#: Correlations at which the two rules here meet.
NEAR = ["0.999", "-0.9999"]


def at(a: str, b: str, rho: str) -> Point:
    """The point of this correlation; √(ab) of the variances here is rational, or ρ is not ±1."""
    product = Fraction(a) * Fraction(b)
    root = sp.sqrt(sp.Rational(product.numerator, product.denominator))
    if abs(Fraction(rho)) == 1:
        return Point.of(a, b, int(rho) * root)
    return Point.of(a, b, Fraction(rho) * Fraction(float(root)).limit_denominator(10**6))


def _has_digits(value: arb, digits: int) -> bool:
    return bool(value.rad() <= abs(value).lower() * arb(10) ** -digits)


def _cases() -> Iterator[object]:
    """The smooth functions at a few places; the others, for which road 2 takes seconds, in the slow run."""
    for act in ACTIVATIONS:
        for place, (a, b) in enumerate(VARIANCES):
            for rho in CORRELATIONS:
                quick = (place == 0 and rho in ("0.3", "1")) or (place == 1 and rho == "-0.7")
                marks = () if quick and not piecewise(act.expr).kinks else pytest.mark.slow
                yield pytest.param(act, at(a, b, rho), id=f"{act.name} {a} {b} {rho}", marks=marks)


@pytest.mark.parametrize(("act", "point"), list(_cases()))
def test_both_roads_give_the_same_digits(act: Activation, point: Point) -> None:
    """30 digits of the value, or 60 decimals after the scale of one that vanishes."""
    ours = series_balls(act, point, 30)
    theirs = enclose(act, point.a, point.b, point.c, digits=12)
    for own, other in zip(ours, theirs, strict=True):
        if not own.is_finite():
            assert not other.is_finite()
            continue
        assert own.overlaps(other)
        assert _has_digits(own, 30) or own.rad() < 1e-55


@pytest.mark.parametrize("act", ACTIVATIONS, ids=by_name)
@pytest.mark.parametrize("rho", NEAR)
@pytest.mark.slow
def test_the_two_rules_agree(act: Activation, rho: str) -> None:
    """Where both apply; they share no formula but Mehler's, and the jumps of φ enter T in different ways."""
    found, point = piecewise(act.expr), at("4", "0.3", rho)
    goals = [arb(10) ** -25] * 2
    with precision(260):
        frame = Frame.of(point)
        plan = semigroup.plan(found, frame, goals)
        turned = rotated(found, frame, goals, 1e7)
        assert plan is not None
        assert turned is not None
        values = plan.run(), (turned[0], turned[1] + delta_part(found, frame, goals[1]))
        for one, two in zip(*values, strict=True):
            assert one.overlaps(two)
            assert max(one.rad(), two.rad()) < 1e-23
        # negative control: a neighbour 1e-20 away is told apart, or where S vanishes the value at −ρ
        a, b = sp.Integer(4), sp.Rational(3, 10)
        vanishes = abs(values[1][0]) < 1e-20
        other = Frame.of(Point.of(a, b, -point.c if vanishes else point.c + Fraction(1, 10**20)))
        beside = semigroup.plan(found, other, goals)
        assert beside is not None
        assert not beside.run()[0].overlaps(values[1][0])


#: The hardest places at variances in [0.01, 100]; how long they take is measured by benchmarks/evaluate.py.
HARD = [("100", "100", "0.3"), ("100", "100", "0.999999"), ("0.01", "100", "-0.9999"), ("1", "1", "-0.99999")]


@pytest.mark.slow
@pytest.mark.parametrize("act", [activation(name) for name in SERIES], ids=by_name)
@pytest.mark.parametrize("place", HARD, ids=str)
def test_thirty_digits_at_the_hardest_places(act: Activation, place: tuple[str, str, str]) -> None:
    S, T = series_balls(act, at(*place), 30)
    assert _has_digits(S, 30)
    assert _has_digits(T, 30)


@pytest.mark.parametrize("place", [("0.01", "0.01", "0.001"), ("0.01", "100", "-0.7")], ids=str)
def test_a_small_value_has_its_own_digits(place: tuple[str, str, str]) -> None:
    """S of a function beyond 1 is near exp(−1/(1+ρ)a); at a = 0.01 it is 10^−40 of φ's size."""
    act = Activation("tanh beyond 1", OWN["tanh beyond 1"])
    S, T = series_balls(act, at(*place), 30)
    assert 0 < S < 1e-39
    assert _has_digits(S, 30)
    assert _has_digits(T, 30)


@pytest.mark.parametrize(("low", "high", "count"), [(0, 13, 20), (-13, 13, 41), (3, 5, 30)])
def test_the_product_rule_integrates_polynomials(low: int, high: int, count: int) -> None:
    """Moments of the normal density by their recurrence, μ_{k+1} = kμ_{k−1} − [q^k n]; and not a degree more."""
    with precision(300):
        rule = product_rule(arb(low), arb(high), count)
        density = [(-(arb(q) ** 2) / 2).exp() / (2 * arb.pi()).sqrt() for q in (low, high)]
        moments = [((arb(high) / arb(2).sqrt()).erf() - (arb(low) / arb(2).sqrt()).erf()) / 2]
        moments.append(density[0] - density[1])
        for k in range(1, count):
            edge = arb(high) ** k * density[1] - arb(low) ** k * density[0]
            moments.append(k * moments[k - 1] - edge)
        sums = [sum((w * q**k for q, w in rule), arb(0)) for k in range(count + 1)]
        for k in range(count):
            assert abs(sums[k] - moments[k]) < abs(arb(high)) ** k * arb(10) ** -50
        assert count % 2 or not sums[count].overlaps(moments[count])
