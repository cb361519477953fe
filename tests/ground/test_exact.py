"""Exact numbers in, balls out: conversions, the admissible domain, straight-line programs."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import numpy as np
import pytest
import sympy as sp
from flint import acb, arb, ctx
from hypothesis import given
from hypothesis import strategies as st

from glutheory import DerivationError, DomainError
from glutheory.ground.arguments import as_digits, as_exact
from glutheory.ground.balls import Tape, bits_of, precision
from glutheory.ground.exact import Point, ball
from glutheory.ground.grid import GridTape

x, y = sp.symbols("x y")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("0.1", Fraction(1, 10)),
        (" -1/3 ", Fraction(-1, 3)),
        ("1e-3", Fraction(1, 1000)),
        (0.1, Fraction(0.1)),
        (3, Fraction(3)),
        (np.float64(0.25), Fraction(1, 4)),
        (np.float32(0.1), Fraction(float(np.float32(0.1)))),
        (np.int64(7), Fraction(7)),
        (Fraction(2, 7), Fraction(2, 7)),
        (mpmath.mpf("0.375"), Fraction(3, 8)),
        (mpmath.mpf(-2), Fraction(-2)),
        (sp.Rational(5, 3), Fraction(5, 3)),
        (sp.Float("0.5"), Fraction(1, 2)),
        (sp.sqrt(2), sp.sqrt(2)),
    ],
    ids=repr,
)
def test_numbers_are_taken_exactly(value: object, expected: object) -> None:
    assert as_exact("a", value) == expected


BAD_NUMBERS = [
    "nan", "inf", "", "x", "1/0", "1e99999999", "0x10", "1_000", "__import__('os')", "9" * 20_000,
    math.nan, math.inf, -math.inf, mpmath.inf, mpmath.nan, sp.oo, sp.nan, sp.I, x, None, [], 1j, True, object(),
    mpmath.mpf("1e100000"),
]  # fmt: skip


@pytest.mark.parametrize("value", BAD_NUMBERS, ids=lambda v: repr(v)[:20])
def test_what_is_no_finite_real_number_is_refused_in_one_sentence(value: object) -> None:
    with pytest.raises(DomainError) as caught:
        as_exact("b", value)
    message = str(caught.value)
    assert message.startswith("b is ")
    assert "give" in message
    assert len(message) < 300
    assert "\n" not in message


@given(st.fractions(), st.integers(60, 300))
def test_a_ball_contains_its_number(value: Fraction, bits: int) -> None:
    with precision(bits):
        assert (ball(value) * value.denominator - value.numerator).contains(0)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_float_stands_for_its_binary_value(value: float) -> None:
    assert float(as_exact("a", value)) == value
    assert as_exact("a", repr(value)) == Fraction(repr(value))


@pytest.mark.parametrize("digits", [1, 50, 10_000])
def test_digits(digits: int) -> None:
    assert as_digits(digits) == digits
    with pytest.raises(DomainError):
        as_digits(digits, cap=0)


def test_rho_one_is_recognised_exactly() -> None:
    assert Point.of("0.1", "0.4", "0.2").delta == 0
    assert Point.of(sp.sqrt(2), sp.sqrt(8), -2).delta == 0
    assert Point.of(2, 3, sp.sqrt(6)).delta == 0
    assert Point.of(0.1, 0.1, 0.1).delta == 0
    near = Point.of(1, 1, 1 - Fraction(1, 10**30))
    assert near.delta > 0
    with precision(60):
        # no cancellation: ab − c² is formed exactly before it is rounded
        assert near.balls()[3].rel_accuracy_bits() > 50


def test_points_just_outside_are_refused() -> None:
    for a, b, c in ((1, 1, 1 + Fraction(1, 10**40)), (2, 3, sp.sqrt(6) + sp.Rational(1, 10**40)), (sp.sqrt(2), 1, 2)):
        with pytest.raises(DomainError, match="a covariance obeys"):
            Point.of(a, b, c)


def test_tapes_evaluate_and_share() -> None:
    expr = sp.exp(-(x**2)) * sp.erf(x) + sp.sqrt(x) / x ** sp.Rational(3, 2) + sp.sin(x) * sp.cosh(x) + sp.pi * sp.E
    tape = Tape([expr, sp.sqrt(x)], [x])
    with precision(200):
        value, root = tape.bind()([arb("0.7")])
        assert value.overlaps(arb(str(sp.N(expr.subs(x, sp.Rational(7, 10)), 55))) + arb(0, arb("1e-50")))
        assert root.overlaps(arb("0.7").sqrt())
    roots = [step for step in tape._code if step[3] == "sqrt"]
    assert len(roots) == 1


def test_powers_of_balls_around_zero_and_roots_of_any_order() -> None:
    around = arb(0, 1)
    cube, square = Tape([x**3, x**2], [x]).bind()([around])
    assert cube.is_finite()
    assert square.contains(1)
    assert Tape([1 / x**3], [x]).bind()([arb(2)])[0].overlaps(arb(1) / 8)
    point = Point.of(sp.sqrt(2), sp.sqrt(3), sp.Integer(6) ** sp.Rational(1, 4))
    assert point.delta == 0
    assert (ball(point.c) ** 4).overlaps(arb(6))


def test_tapes_refuse_what_balls_cannot_do() -> None:
    with pytest.raises(DerivationError, match="not in the table"):
        Tape([sp.gamma(x)], [x])


def test_branch_cuts_obey_the_analytic_flag() -> None:
    run = Tape([sp.sqrt(x), sp.log(x)], [x]).bind()
    crossing = acb(arb(0, 1), arb(0, 1)) - 1
    assert not any(value.is_finite() for value in run([crossing], True))


def test_pairs_agree_with_single_calls() -> None:
    head = sp.Symbol("h")
    tape = GridTape([head * x + x * y**2 + sp.atan2(y, x) + head**2, x - y], [head, x, y])
    grid = [arb(k) / 3 for k in range(1, 6)]
    run = tape.bind()
    seen = set()
    for i, j, values in tape.pairs([arb(2)], grid, False):
        seen.add((i, j))
        assert all(u.overlaps(v) for u, v in zip(values, run([arb(2), grid[i], grid[j]]), strict=True))
    assert len(seen) == 25
    assert {(i, j) for i, j, _ in tape.pairs([arb(2)], grid, True)} == {(i, j) for i, j in seen if j >= i}


def test_precision_is_restored_whatever_happens() -> None:
    before = ctx.prec
    with precision(777):
        assert ctx.prec == 777
    with pytest.raises(ZeroDivisionError), precision(777):
        raise ZeroDivisionError
    assert ctx.prec == before
    assert 2 ** bits_of(30) > 10**30
