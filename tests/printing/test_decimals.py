"""A printed decimal is the one that every number of the certified ball rounds to."""

from fractions import Fraction

from flint import arb, ctx, fmpq
from hypothesis import example, given
from hypothesis import strategies as st

from glutheory.ground.balls import precision
from glutheory.printing import digits as dg
from glutheory.printing import samples


def _ball(middle: Fraction, radius: Fraction) -> arb:
    before, ctx.prec = ctx.prec, 400
    try:
        value = arb(fmpq(middle.numerator, middle.denominator))
        return value + arb(0, arb(fmpq(radius.numerator, radius.denominator)).upper())
    finally:
        ctx.prec = before


@given(
    st.fractions(min_value=-(10**6), max_value=10**6, max_denominator=10**12),
    st.integers(5, 40),
    st.integers(1, 30),
)
@example(Fraction(1, 4), 20, 1)
@example(Fraction(999999, 1000000), 12, 3)
@example(Fraction(0), 12, 3)
def test_every_number_in_the_ball_rounds_to_the_certified_decimal(middle: Fraction, places: int, digits: int) -> None:
    ball = _ball(middle, Fraction(1, 10**places))
    text = dg.certified(ball, digits)
    if text is None:
        # no digit: the ball contains 0, is as wide as its value, or lies on a tie of every length
        assert ball.contains(0) or abs(middle) < 100 * Fraction(1, 10**places) or digits == 1
        return
    shown = dg.significant(text, digits)
    assert shown <= digits
    for end in dg.ends(ball):
        assert dg.decimal(*dg.rounded(end, shown)) == text


def test_decimals() -> None:
    assert dg.exact_decimal(Fraction(-3, 10), 15) == "-0.3"
    assert dg.exact_decimal(Fraction(10), 15) == "10"
    assert dg.exact_decimal(Fraction(1, 3), 4) == "0.3333"
    assert dg.exact_decimal(Fraction(1, 10**9), 4) == "1e-9"
    assert dg.decimal(12345, 40) == "1.2345e+44"
    assert dg.certified(arb("inf"), 5) == "inf"
    assert dg.certified(arb("-inf"), 5) == "-inf"
    assert dg.certified(arb("nan"), 5) is None
    assert dg.certified(arb(0), 5) == "0"
    assert dg.shown(arb("nan"), 5) == "nan"
    assert dg.shown(arb(0, "1e-9"), 5).startswith("0 +/- 1")
    assert dg.ball_text(arb("inf"), 5) == "inf"
    assert dg.common_digits(arb("inf"), arb("inf"), 9) == 9
    assert dg.common_digits(arb(1), arb(1), 9) == 9
    assert dg.common_digits(arb(0), arb(1), 9) == 0
    assert dg.common_digits(arb(1), arb("1.0001"), 9) in (3, 4)
    # Python itself refuses to write integers of more than 4300 digits
    assert len(dg.exact_decimal(Fraction(10) ** 5000 / 3, 5000)) == 5000


@given(st.integers(-(10**15) + 1, 10**15 - 1), st.integers(-40, 20), st.floats(-1, 1))
def test_a_short_decimal_in_a_ball_is_seen(n: int, exponent: int, place: float) -> None:
    """Wherever in the ball it lies; 1/3 is none."""
    with precision(160):
        value = arb(fmpq(n)) * arb(10) ** exponent
        radius = abs(value) * arb(10) ** -18
        assert samples._may_be_plain(value + radius * arb(place) + arb(0, radius.upper()), 15)
        third = arb(1) / 3 * arb(10) ** exponent
        assert not samples._may_be_plain(third + arb(0, (third * arb(10) ** -18).upper()), 15)
