"""The middle of a ball as a number of mpmath's."""

from __future__ import annotations

import mpmath
from flint import arb
from mpmath.libmp import from_man_exp

from glutheory.ground.balls import bits_of


def rounded(value: arb, digits: int) -> mpmath.mpf:
    """The middle of a ball, with this many digits; 0 for a ball around 0, ±inf and nan as they are."""
    if not value.is_finite():
        return mpmath.inf if value > 0 else -mpmath.inf if value < 0 else mpmath.nan
    if value.contains(0):
        return mpmath.mpf(0)
    mantissa, exponent = value.mid().man_exp()
    return mpmath.mp.make_mpf(from_man_exp(int(mantissa), int(exponent), bits_of(digits), "n"))
