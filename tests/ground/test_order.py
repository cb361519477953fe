"""The order of places known as balls: exact where floats are equal, and never decided where the balls do not."""

from __future__ import annotations

from fractions import Fraction

import pytest
from flint import arb
from hypothesis import given
from hypothesis import strategies as st

from glutheory.ground.balls import precision
from glutheory.ground.order import apart, ascending, in_order

#: The radius of a ball has 30 bits.
ROUNDED = 2.0**-26
TINY = arb(10) ** -30


def test_places_that_are_one_float_are_ordered() -> None:
    with precision(200):
        places = [1 + 3 * TINY, arb(1), 1 + TINY, 1 + 2 * TINY]
        assert len({float(place) for place in places}) == 1
        assert ascending(range(4), places.__getitem__) == [1, 2, 3, 0]
        assert in_order(range(4), places.__getitem__) == [1, 2, 3, 0]


def test_balls_that_overlap_have_no_order() -> None:
    assert in_order([arb(1), arb(2, 1.5)], lambda x: x) is None
    assert in_order([0, 1], [arb(2), arb(1)].__getitem__) == [1, 0]


def test_places_not_told_apart_are_left_out_together() -> None:
    intervals, left_out = apart([arb(0), arb(4), arb(1, 0.25), arb("1.25", 0.25), arb(3)])
    assert [interval.after for interval in intervals] == [(0,), (0, 2, 3), (0, 2, 3, 4)]
    ends = [end for interval in intervals for end in (interval.low, interval.high)]
    assert [float(end) for end in ends] == pytest.approx([0, 0.75, 1.5, 3, 3, 4], abs=ROUNDED)
    assert float(left_out) == pytest.approx(0.75, abs=ROUNDED)


def test_a_wide_ball_joins_what_lies_within_it() -> None:
    intervals, left_out = apart([arb(0), arb(1), arb(2), arb(3), arb(2, 1.5), arb(9)])
    ends = [end for interval in intervals for end in (interval.low, interval.high)]
    assert [float(end) for end in ends] == pytest.approx([0, 0.5, 3.5, 9], abs=ROUNDED)
    assert float(left_out) == pytest.approx(3, abs=ROUNDED)


@given(
    st.lists(
        st.tuples(st.fractions(-4, 4, max_denominator=64), st.fractions(0, 1, max_denominator=64)),
        min_size=2,
        max_size=8,
    ),
    st.lists(st.fractions(-1, 1), min_size=8, max_size=8),
)
def test_every_place_is_outside_of_every_interval(
    balls: list[tuple[Fraction, Fraction]], shifts: list[Fraction]
) -> None:
    """Whichever numbers the balls stand for, those named in `after` lie to the left and all others to the right."""
    as_arb = [arb(float(middle), float(radius)) for middle, radius in balls]
    true = [middle + shift * radius for (middle, radius), shift in zip(balls, shifts, strict=False)]
    intervals, left_out = apart(as_arb)
    covered = sum((interval.high - interval.low for interval in intervals), arb(0)) + left_out
    for interval in intervals:
        assert interval.low < interval.high
        for index, place in enumerate(true):
            exact = arb(place.numerator) / place.denominator
            # the end of an interval may be the very ball of the place
            if index in interval.after:
                assert not exact > interval.low
            else:
                assert not exact < interval.high
    # nothing between the outermost places is forgotten
    assert not covered < arb(float(max(true) - min(true)))
