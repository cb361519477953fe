"""S and T over a box of covariances: balls that hold the values at every point of it, and are not much wider."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cache, partial
from itertools import product

import pytest
from flint import arb

from glutheory.activations import activation
from glutheory.ground import boxes
from glutheory.ground.balls import precision
from glutheory.ground.boxes import Pair, boxed, boxed_mean
from glutheory.ground.exact import Point, ball
from glutheory.ground.symmetry import Ray, symmetry
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls

_WIDTH = Fraction(1, 2**20)
#: Middle of a, b, ρ: ordinary, negative, close to 1, unequal variances.
_BOXES = (
    (Fraction(1), Fraction(1), Fraction(1, 2)),
    (Fraction(2), Fraction(1, 2), Fraction(-3, 4)),
    (Fraction(1), Fraction(3), Fraction(99, 100)),
)
#: Homogeneous, smooth, kinked away from 0, odd, jumping.
_ACTS = ("relu", "erf", "hard_tanh", "gelu")


@cache
def _exact(name: str, a: Fraction, b: Fraction, c: Fraction) -> Pair:
    # of these activations there are closed forms: quick
    return evaluate_balls(dual(activation(name)), Point(a, b, c), 20)


def _corners(a: Fraction, b: Fraction, rho: Fraction) -> Iterator[tuple[Fraction, Fraction, Fraction]]:
    """Corners and the middle of a box in a, b, ρ with rational √(ab)."""
    for i, j, k in (*product((-1, 1), repeat=3), (0, 0, 0)):
        first, second = a * (1 + i * _WIDTH) ** 2, b * (1 + j * _WIDTH) ** 2
        yield first, second, rho * (1 + k * _WIDTH) * _root(a * b) * (1 + i * _WIDTH) * (1 + j * _WIDTH)


def _root(square: Fraction) -> Fraction:
    """A rational number near the root, below it."""
    return Fraction(int(float(square) ** 0.5 * 2**30), 2**30)


def _box(points: list[tuple[Fraction, Fraction, Fraction]]) -> tuple[arb, arb, arb]:
    a, b, c = (ball(min(side)).union(ball(max(side))) for side in zip(*points, strict=True))
    return a, b, c


@pytest.mark.parametrize("name", _ACTS)
@pytest.mark.parametrize("middle", _BOXES)
def test_every_point_of_a_box_is_covered(name: str, middle: tuple[Fraction, Fraction, Fraction]) -> None:
    with precision(128):
        points = list(_corners(*middle))
        found = boxed(partial(_exact, name), symmetry(activation(name).expr), *_box(points), None)
        for point in points:
            for value, true in zip(found, _exact(name, *point), strict=True):
                assert value.contains(true.mid()), (name, point)
                # at ρ = 0.99 the bounds pay 1/(1 − ρ²) = 50, T another few
                assert value.rad() < 4000 * float(_WIDTH) * (1 + abs(value)), (name, point)


def test_a_radius_that_is_left_out_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The control: without the spread the middle's ball does not cover the corners."""
    points = list(_corners(*_BOXES[1]))
    monkeypatch.setattr(boxes, "_pick", lambda *_: arb(0))
    monkeypatch.setattr(boxes, "_steepest", lambda *_: arb(0))
    with precision(128):
        found = boxed(partial(_exact, "erf"), symmetry(activation("erf").expr), *_box(points), None)
        assert not all(found[1].contains(_exact("erf", *point)[1].mid()) for point in points)


@pytest.mark.parametrize("name", _ACTS)
@pytest.mark.parametrize("ratio", [Fraction(1), Fraction(-1), Fraction(2), Fraction(-1, 3)])
def test_multiples(name: str, ratio: Fraction) -> None:
    """V = ratio·u, where the variance is known as a ball only: no digits are lost, although ρ is ±1."""
    ends = [Fraction(3, 2), Fraction(3, 2) + _WIDTH]
    with precision(128):
        a = ball(ends[0]).union(ball(ends[1]))
        ray = Ray(1 if ratio > 0 else -1, abs(ratio))
        square = ball(ratio * ratio)
        found = boxed(partial(_exact, name), symmetry(activation(name).expr), a, a * square, a * ball(ratio), ray)
        for end in ends:
            true = _exact(name, end, end * ratio * ratio, end * ratio)
            for value, expected in zip(found, true, strict=True):
                assert value.overlaps(expected), (name, end)
                assert value.rad() < 20 * float(_WIDTH), (name, end)


@pytest.mark.parametrize("name", ["relu", "gelu", "erf", "normal_cdf"])
def test_means(name: str) -> None:
    def mean(a: Fraction) -> arb:
        root = _exact(name, a, a, Fraction(0))[0].sqrt()
        return arb(0) if name == "erf" else root  # of the others means are positive

    ends = [Fraction(3, 2), Fraction(3, 2) + _WIDTH]
    with precision(128):
        a = ball(ends[0]).union(ball(ends[1]))
        found = boxed_mean(mean, partial(_exact, name), symmetry(activation(name).expr), a)
        assert all(found.overlaps(mean(end)) for end in ends)
        assert found.rad() < 4 * float(_WIDTH)


def test_lines_need_no_values() -> None:
    def refuse(*point: Fraction) -> Pair:
        raise AssertionError(point)

    with precision(64):
        S, T = boxed(refuse, symmetry(activation("identity").expr), arb(2), arb(3), arb(1), None)
    assert S == 1
    assert T == 1


def test_a_variance_that_may_be_zero_gives_no_number() -> None:
    """Neither an error that blames the caller nor a ball: more digits are asked for."""
    values = partial(_exact, "relu")
    for a, c in ((arb(0, 1), arb(0)), (arb.nan(), arb(0)), (arb(1), arb.nan())):
        found = boxed(values, symmetry(activation("relu").expr), a, arb(1), c, None)
        assert all(value.is_nan() for value in found)


def test_opposite_units_of_one_side_leave_exactly_nothing() -> None:
    own, opposite = symmetry(activation("relu").expr), Ray(-1, Fraction(1))
    values = partial(_exact, "relu")
    assert boxed(values, own, arb(1), arb(1), arb(-1), opposite) == (arb(0), arb(0))
    # what is not around 0 is no rounding, and stays
    other = boxed(lambda *_: (arb(1), arb(2)), own, arb(1), arb(1), arb(-1), opposite)
    assert [float(value) for value in other] == [1.0, 2.0]
    # a function of both sides has a value
    found = boxed(partial(_exact, "gelu"), symmetry(activation("gelu").expr), arb(1), arb(1), arb(-1), opposite)
    assert found[0] != 0
