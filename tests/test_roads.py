"""Where the roads meet: the derived formula lies in the ball around the defining integral, and the ball is narrow."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb
from hypothesis import example, given, settings
from hypothesis import strategies as st

from glutheory import PrecisionError, activation, enclose, evaluate
from glutheory.activations import Activation
from glutheory.ground.balls import precision
from glutheory.ground.exact import Point
from glutheory.symbolic.duals import dual
from glutheory.symbolic.evaluation import evaluate_balls
from tests.strategies import EXTRA, by_name, points
from tests.zoo import CLOSED, LOGISTIC, SERIES, TAME, ZOO

DIGITS = 40


def _scales(act: Activation, point: Point) -> list[arb]:
    """√(S(a,a,a) S(b,b,b)) and the same for T, to three digits, from road 1."""
    ends = [evaluate_balls(dual(act), Point(v, v, v), 3) for v in (point.a, point.b)]
    with precision(64):
        return [(abs(x) * abs(y)).sqrt() for x, y in zip(*ends, strict=True)]


def _meet(act: Activation, point: Point, digits: int) -> None:
    """The 40-digit formula overlaps the ball, and the ball is as narrow as `enclose` promises."""
    formula = evaluate_balls(dual(act), point, digits)
    integral = enclose(act, point.a, point.b, point.c, digits=digits)
    with precision(4 * digits + 64):
        for f, i, scale in zip(formula, integral, _scales(act, point), strict=True):
            if not i.is_finite():
                assert f == i  # both roads say +∞: a jump at |ρ| = 1 or at a zero variance
                continue
            assert f.overlaps(i), f"{act.label} at {point}: {f} against {i}"
            # where T(a,a,a) is infinite, as the docstring of `enclose` says
            reference = scale if scale.is_finite() else arb(1) if i.contains(0) else abs(i)
            assert arb(i.rad()) <= reference * arb(10) ** -digits * 2


@pytest.mark.long
@given(act=st.sampled_from([*CLOSED, *EXTRA]), point=points(-2, 2))
@example(act=activation("relu"), point=Point.of(1, 1, -1))
@example(act=activation("step"), point=Point.of("0.25", 4, 1))
@example(act=activation("gelu"), point=Point.of(0, 2, 0))
@example(act=activation("leaky_relu"), point=Point.of(1, 1, -1 + Fraction(1, 10**15)))
def test_closed_forms_meet_the_integral(act: Activation, point: Point) -> None:
    if act.expr.has(activation("exp").expr) and max(point.a, point.b) > 50:
        return  # e^{2·variance}: nothing is wrong, only hundreds of digits before the point
    _meet(act, point, DIGITS)


@pytest.mark.slow
@settings(max_examples=25)
@given(name=st.sampled_from(LOGISTIC), point=points(-2, 2))
def test_the_logistic_family_meets_the_integral(name: str, point: Point) -> None:
    _meet(activation(name), point, 25)


@pytest.mark.slow
@settings(max_examples=150)
@given(act=st.sampled_from(ZOO), point=points(-2, 2))
def test_the_zoo_at_forty_digits(act: Activation, point: Point) -> None:
    _meet(act, point, DIGITS)


@pytest.mark.slow
@settings(max_examples=30)
@given(act=st.sampled_from(TAME), point=points(-12, 6))
def test_extreme_variances(act: Activation, point: Point) -> None:
    _meet(act, point, 25)


@pytest.mark.slow
@settings(max_examples=100)
@given(name=st.sampled_from(LOGISTIC), point=points(-12, 6))
def test_extreme_variances_of_the_logistic_family(name: str, point: Point) -> None:
    try:
        _meet(activation(name), point, 20)
    except PrecisionError as error:
        # out of the range for which digits are promised: the ball handed over must still be right
        for f, reached in zip(evaluate_balls(dual(activation(name)), point, 25), error.reached, strict=True):
            assert f.overlaps(reached)


def _wrong(act: Activation, point: Point) -> list[tuple[arb, arb]]:
    """Formulas that are wrong by a little: a part in 10^20, T for S, another activation's T."""
    S, T = evaluate_balls(dual(act), point, DIGITS)
    return [(S * (1 + arb(10) ** -20), T), (S, T * (1 - arb(10) ** -20)), (T, S)]


# a Hermite series of 30 digits takes 10 seconds
@pytest.mark.parametrize(
    "act", [pytest.param(act, marks=[pytest.mark.slow] * (act.name in SERIES)) for act in ZOO], ids=by_name
)
def test_a_wrong_formula_is_caught(act: Activation) -> None:
    """Negative control of the whole comparison."""
    point = Point.of("1.25", "0.5", "0.3")
    ball = enclose(act, point.a, point.b, point.c, digits=30)
    with precision(200):
        for wrong in _wrong(act, point):
            if act.name == "exp" and wrong[0].overlaps(wrong[1]):
                continue  # exp is its own derivative: S and T may be exchanged
            assert not all(w.overlaps(b) for w, b in zip(wrong, ball, strict=True))


def test_numbers_of_both_roads_print_alike() -> None:
    S, T = evaluate("silu", 2, "0.5", "0.3", digits=30)
    ball_S, ball_T = enclose("silu", 2, "0.5", "0.3", digits=30)
    with precision(200):
        assert ball_S.str(25, radius=False)[:24] == str(S)[:5] + ball_S.str(25, radius=False)[5:24]
        for value, ball in ((S, ball_S), (T, ball_T)):
            mantissa, exponent = value.man_exp
            assert abs(arb(mantissa) * arb(2) ** exponent - ball) < arb(10) ** -30
