"""The geometry of a whole tile of nearly parallel rows, by three matrix products in place of one.

Each row is split into a part of few bits and a rest, x = h + l. The products h·h' are then exact in float64, whatever
the order of summation, and the others are small, so that x·x' is known to about 22 more bits than float64 has, and with
it sin²θ = (‖x‖²‖x'‖² − (x·x')²)/(‖x‖²‖x'‖²) to an absolute error of about 1e-22. Source of the split: Ozaki, Ogita,
Oishi & Rump 2012.
"""

from __future__ import annotations

import math

from glutheory.numeric.arrays import Array, inner, power_of_two, two_product, two_sum
from glutheory.numeric.pairs import FAR_APART, Geometry
from glutheory.numeric.rows import Rows

#: Pairs with |ρ| above this need the angle of `refine`: below, sin²θ ≥ 2e-7 has a relative error of about 1e-15.
CLOSEST = 1 - 1e-7
#: The share of nearly parallel pairs in a tile from which this pays.
SHARE = 0.02


def _split(rows: Array) -> tuple[Array, Array]:
    """Rows, entries up to 2, as high + low exactly, such that inner products of the high parts are exact."""
    bits = (51 - math.ceil(math.log2(rows.shape[1]))) // 2
    shift = 1.5 * 2.0 ** (52 - bits)
    high = (rows + shift) - shift
    return high, rows - high


def dense(left: Rows, right: Rows, rows: slice, columns: slice) -> Geometry:
    """The pairs of a tile, shape (rows, columns), accurate for |ρ| up to `CLOSEST`."""
    xp = left.xp
    high, low = _split(left.scaled[rows, :])
    high2, low2 = _split(right.scaled[columns, :])
    c, rest = two_sum(inner(xp, high, high2), inner(xp, high, low2) + inner(xp, low, high2 + low2))
    negative = c < 0
    size, size_rest = xp.where(negative, -c, c), xp.where(negative, -rest, rest)
    (a, a_rest), (b, b_rest) = left.squares, right.squares
    a, a_rest = a[rows, None] + 0.0 * c, a_rest[rows, None]
    b, b_rest = b[None, columns] + 0.0 * c, b_rest[None, columns]
    ab, ab_rest = two_product(xp, a, b)
    cc, cc_rest = two_product(xp, size, size)
    difference = (ab - cc) + ((ab_rest - cc_rest) + (a * b_rest + b * a_rest) - 2.0 * size * size_rest)
    positive = ab > 0
    square = xp.clip(difference / xp.where(positive, ab, xp.ones_like(ab)), 0.0, 1.0)
    # a zero row is at right angles to every row, as in `Rows.unit`
    sine = xp.where(positive, xp.sqrt(square), xp.ones_like(ab))
    cosine = xp.sqrt((1.0 - sine) * (1.0 + sine))
    # far from ρ = ±1 the quotient is the accurate one
    quotient = size / xp.where(positive, xp.sqrt(a) * xp.sqrt(b), xp.ones_like(ab))
    cosine = xp.where(sine < 0.5, cosine, quotient)
    shift = xp.clip(right.exponent[None, columns] - left.exponent[rows, None], -FAR_APART, FAR_APART)
    along, rest_along = power_of_two(xp, size, shift), power_of_two(xp, size_rest, shift)
    excess = ((along - a) + (rest_along - a_rest)) / xp.where(positive, a, xp.ones_like(a))
    return Geometry(xp, xp.where(negative, -cosine, cosine), True, 1.0, sine, excess)
