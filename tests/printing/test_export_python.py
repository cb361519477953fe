"""Exports to Python: no overflow, no cancellation."""

from __future__ import annotations

import math
from fractions import Fraction

import mpmath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.printing.exported import _UNIT, in_python


def test_python_keeps_overflow_away() -> None:
    """Products that are finite although a factor is not, and squares of covariances beyond the range of floats."""
    assert in_python("sin")["S"](2000.0, 2000.0, 2000.0) == pytest.approx(0.5, rel=4000 * _UNIT)
    assert in_python("combined relu + sin")["T"](2000.0, 2000.0, 0.0) == pytest.approx(0.25, rel=4 * _UNIT)
    assert in_python("relu")["S"](1e200, 1e200, 1e200) == pytest.approx(5e199, rel=4 * _UNIT)
    assert in_python("relu")["S"](1e-200, 1e-200, -1e-200) == 0.0
    assert in_python("step")["T"](1.0, 4.0, 2.0) == float("inf")


@given(st.integers(-500, 500), st.integers(-500, 500), st.floats(-1, 1))
def test_the_root_of_the_exact_difference(i: int, j: int, rho: float) -> None:
    """√(ab − c²) against rational arithmetic, within two roundings: of the difference and of its root."""
    a, b = math.ldexp(1.5, i), math.ldexp(5 / 3, j)
    c = rho * math.sqrt(math.ldexp(1.5 * (5 / 3), (i + j) % 2)) * 2.0 ** ((i + j) // 2)
    found = in_python("relu")["_root"](a, b, c)
    difference = Fraction(a) * Fraction(b) - Fraction(c) ** 2
    with mpmath.workprec(200):
        true = mpmath.sqrt(mpmath.mpf(max(0, difference.numerator)) / difference.denominator)
        assert abs(found - true) <= 2 * _UNIT * true
