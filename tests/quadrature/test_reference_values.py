"""Road 2 against values that share nothing with it: textbook formulas and a plain grid."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
import sympy as sp
from flint import arb

from glutheory.activations import Activation
from glutheory.errors import PrecisionError
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.quadrature import enclose
from tests.quadrature.references import BITS, grid_mean
from tests.strategies import by_name
from tests.zoo import JUMPS, ROWS, TEXTBOOK, ZOO

# ---------------------------------------------------------------- textbook formulas, in the angle θ, as balls

HARD = [
    ("1", "1", "0.3"),
    ("2", "0.5", "-0.999"),
    ("1", "1", "1"),
    ("0.25", "0.25", "-0.25"),
    ("3", "7", "0"),
    ("1", "1", "0.9999999999"),
    ("1", "1", "-0.9999999999"),
    ("1e-12", "1e-12", "0.5e-12"),
    ("1e-12", "100", "9e-6"),
    ("0.01", "100", "-0.5"),
    ("100", "100", "99.9999"),
]


def exact_balls(a: str, b: str, c: str) -> tuple[arb, arb, arb]:
    return Point.of(a, b, c).balls()[:3]


def scale_of(name: str, a: str, b: str) -> list[float]:
    """√(S(a,a,a)S(b,b,b)) and the same with T, from the textbook."""
    first, second = TEXTBOOK[name](*exact_balls(a, a, a)), TEXTBOOK[name](*exact_balls(b, b, b))
    return [math.sqrt(float(x) * float(y)) for x, y in zip(first, second, strict=True)]


@pytest.mark.parametrize("point", HARD, ids=str)
@pytest.mark.parametrize("name", TEXTBOOK)
def test_textbook_formulas(name: str, point: tuple[str, str, str]) -> None:
    with precision(BITS):
        found = enclose(name, *point, digits=30)
        expected = TEXTBOOK[name](*exact_balls(*point))
        for ball, truth, scale in zip(found, expected, scale_of(name, *point[:2]), strict=True):
            if not truth.is_finite():
                assert ball == arb.pos_inf()
                continue
            assert ball.overlaps(truth)
            limit = 1.0001e-30 * (scale if math.isfinite(scale) else float(abs(truth)))
            assert float(ball.rad()) <= limit
            # negative control: a value off by a few parts in 10^29 of the scale is not in the ball
            assert not ball.contains(truth + 100 * limit)


@pytest.mark.long
@pytest.mark.parametrize("name", ["relu", "step", "exp", "gaussian", "cos"])
@pytest.mark.parametrize("size", ["1e-12", "1e4", "1e6"])
def test_extreme_variances(name: str, size: str) -> None:
    c = Fraction(size) * Fraction(3, 10)
    with precision(BITS):
        a = exact_balls(size, size, "0")[0]
        expected = TEXTBOOK[name](a, a, a * 3 / 10)
        for ball, truth, scale in zip(
            enclose(name, size, size, c, digits=20), expected, TEXTBOOK[name](a, a, a), strict=True
        ):
            assert ball.overlaps(truth)
            limit = (scale if scale.is_finite() else truth) * arb("1e-20")
            assert ball.rad() <= limit * arb("1.001")


# ---------------------------------------------------------------- a plain grid in float64, for the smooth ones

FLOAT = {name: row.arrays for name, row in ROWS.items() if row.arrays}


@pytest.mark.long
@pytest.mark.parametrize("name", FLOAT)
@pytest.mark.parametrize(
    ("a", "b", "rho"),
    [
        (1, 1, 0.25),
        (0.5, 2, -0.75),
        (4, 0.0625, 0.5),
        (100, 100, 0.5),
        (1, 1, 1),
        (1, 1, -1),
        (1, 1, 1 - 2**-33),
        (1, 1, -1 + 2**-33),
        (2.0**-40, 2.0**-40, 0.5),
        (1, 1, 0),
        (0, 1, 0),
        (0, 0, 0),
    ],
)
def test_a_plain_grid(name: str, a: float, b: float, rho: float) -> None:
    found = enclose(name, a, b, Fraction(rho) * Fraction(math.sqrt(a * b)), digits=20)
    for ball, f in zip(found, FLOAT[name], strict=True):
        expected = grid_mean(f, a, b, rho)
        size = math.sqrt(grid_mean(f, a, a, 1) * grid_mean(f, b, b, 1))
        assert abs(float(ball) - expected) <= 4e-14 * size
        assert float(ball.rad()) <= 1.0001e-20 * size


def test_the_grid_would_notice() -> None:
    wrong = grid_mean(FLOAT["silu"][0], 1, 1, 0.25 + 1e-9)
    assert abs(float(enclose("silu", 1, 1, 0.25)[0]) - wrong) > 1e-11


# ---------------------------------------------------------------- conventions, precision, refusals


@pytest.mark.slow
@pytest.mark.parametrize("act", ZOO, ids=by_name)
@pytest.mark.parametrize("rho", ["0.3", "-0.9", "0.999999", "-0.999999999999", "1"])
@pytest.mark.parametrize(("a", "b"), [("1e4", "1e4"), ("1e6", "1e6"), ("1e-12", "1e6"), ("1", "1e6")])
def test_the_whole_range(act: Activation, a: str, b: str, rho: str) -> None:
    root = sp.sqrt(sp.Rational(a) * sp.Rational(b))
    c = sp.Rational(rho) * root
    if act.name == "gelu_tanh" and b == "1e6" and rho == "0.999999":
        # the tanh of a cubic: its poles are as near to the axis as 1/z², and rows so near each other see them all
        with pytest.raises(PrecisionError, match="beyond the work limit"):
            enclose(act, a, b, c)
        return
    if act.name == "mish" and a == b == "1e6" and rho == "-0.999999999999":
        # both scales of a lattice, those of mish and of the rows, a millionth of the largest: 30 digits are too much
        with pytest.raises(PrecisionError, match=r"30 digits of mish .* are beyond the work limit"):
            enclose(act, a, b, c)
        # √(S S') and √(T T') are about half of the variance, and a half
        for ball, size in zip(enclose(act, a, b, c, digits=16), (0.5e6, 0.5), strict=True):
            assert ball.rad() <= 1.01e-16 * size
        return
    if act.name in ("jump_relu", "threshold", "shifted_relu") and a == "1e-12":
        # 0 up to a million standard deviations out: e^(−5e11) is below every number of a ball's exponent in use
        with pytest.raises(PrecisionError, match="is too near 0 for any digit of it") as refused:
            enclose(act, a, b, c)
        assert all(ball.contains(0) for ball in refused.value.reached)
        return
    value, slope = enclose(act, a, b, c)
    assert value.is_finite()
    assert slope.is_finite() or act.name in JUMPS
