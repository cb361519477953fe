"""From rows to the geometry of their pairs: far ones by a matrix product, nearly parallel ones without cancellation.

Far from ρ = ±1 a product of unit rows is enough: an error ε in ρ is an error ε/sin θ in the angle. Near ±1 it is not:
there x' is compared with its projection on x, the products of which are computed without rounding (Kahan's advice for
angles, with Dekker's products), so that sin θ is accurate to a few ulps however small it is (`refine`, pair by pair).

Where a whole tile is nearly parallel, three matrix products do it in place of one (`near_tile`). Each row is split into
a part of few bits and a rest, x = h + l. The products h·h' are then exact in float64, whatever the order of summation,
and the others are small, so that x·x' is known to about 22 more bits than float64 has, and with it
sin²θ = (‖x‖²‖x'‖² − (x·x')²)/(‖x‖²‖x'‖²) to an absolute error of about 1e-22 (Ozaki, Ogita, Oishi & Rump 2012).
"""

from __future__ import annotations

import math

import array_api_compat

from glutheory.numeric.arrays import Array, inner, power_of_two, two_product, two_sum
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.rows import Rows

#: Pairs with |ρ| above this need the angle of `refine`: below, sin²θ ≥ 2e-7 has a relative error of about 1e-15.
CLOSEST = 1 - 1e-7
#: The share of nearly parallel pairs in a tile from which `near_tile` pays.
SHARE = 0.02
#: Beyond this ratio of norms (a power of two) the larger norm alone decides a distance.
_FAR_APART = 60


def of_tile(
    left: Rows, right: Rows, rows: slice, columns: slice, limit: float, *, diagonal: bool = False
) -> tuple[Geometry, tuple[Array, ...] | None]:
    """The pairs of a tile, shape (rows, columns), and the indices in it of those that are left to `refine`, or None.

    Those with |ρ| > `limit` must be accurate; all are where most are nearly parallel. With `diagonal` whoever asks has
    better values for the pairs (i, i), which are then put at right angles and left out.
    """
    xp = left.xp
    rho = inner(xp, left.unit[rows, :], right.unit[columns, :])
    if diagonal:
        every = xp.arange(rho.shape[0], device=array_api_compat.device(rho))
        rho[every, every] = 0.0 * rho[:, 0]
    reach = max(float(xp.max(rho)), -float(xp.min(rho)))
    if reach <= limit:
        return Geometry(xp, rho, False, reach), None
    size = xp.abs(rho)
    near = xp.nonzero(size > limit)
    if near[0].shape[0] > SHARE * rho.shape[0] * rho.shape[1]:
        aside = size > CLOSEST
        closest = xp.nonzero(aside)
        if diagonal:
            aside[every, every] = True
        pairs = near_tile(left, right, rows, columns)
        if diagonal or closest[0].shape[0]:
            pairs = _at_right_angles(pairs, aside)
        return pairs, closest if closest[0].shape[0] else None
    # these are computed with the others and overwritten; at right angles they cost no additional terms
    rho = xp.where(size > limit, 0.0 * rho, rho)
    return Geometry(xp, rho, False, max(float(xp.max(rho)), -float(xp.min(rho)))), near


def _at_right_angles(pairs: Geometry, some: Array) -> Geometry:
    """The pairs of `near_tile` with these turned to where they cost least: their values come from elsewhere."""
    xp = pairs.xp
    one = xp.ones_like(pairs.rho)
    rho, sine = xp.where(some, 0.0 * one, pairs.rho), xp.where(some, one, pairs.sine)
    return Geometry(xp, rho, True, pairs.reach, sine, xp.where(some, -one, pairs.excess))


def refine(left: Rows, right: Rows, i: Array, j: Array) -> Geometry:
    """The pairs (i_k, j_k) of nearly parallel rows, |ρ| > 1/2, with full accuracy; integer arrays of shape (k,)."""
    return decompose(left, right, i, j)[0]


def decompose(left: Rows, right: Rows, i: Array, j: Array) -> tuple[Geometry, Array]:
    """The pairs of `refine`, and the part of `right.scaled` at right angles to the left row, accurate: shape (k, d)."""
    xp = left.xp
    x, y = xp.take(left.scaled, i, axis=0), xp.take(right.scaled, j, axis=0)
    xx, yy = xp.sum(x * x, axis=1), xp.sum(y * y, axis=1)
    slope = xp.sum(x * y, axis=1) / xx
    product, error = two_product(xp, x, slope[:, None])
    rest = (y - product) - error
    # `slope` is rounded, so the rest still has a component along x of relative size 1e-16: remove it as well
    correction = xp.sum(rest * x, axis=1) / xx
    rest = rest - correction[:, None] * x
    sine = xp.sqrt(xp.sum(rest * rest, axis=1) / yy)
    # for |ρ| ≥ 1/2 the cosine follows from the sine without loss
    sign = xp.where(slope < 0, -xp.ones_like(slope), xp.ones_like(slope))
    rho = sign * xp.sqrt((1.0 - sine) * (1.0 + sine))
    shift = xp.clip(xp.take(right.exponent, j) - xp.take(left.exponent, i), -_FAR_APART, _FAR_APART)
    along, rest_along = power_of_two(xp, sign * slope, shift), power_of_two(xp, sign * correction, shift)
    return Geometry(xp, rho, True, 1.0, sine, (along - 1.0) + rest_along), rest


def _split(rows: Array) -> tuple[Array, Array]:
    """Rows, entries up to 2, as high + low exactly, such that inner products of the high parts are exact."""
    bits = (51 - math.ceil(math.log2(rows.shape[1]))) // 2
    shift = 1.5 * 2.0 ** (52 - bits)
    high = (rows + shift) - shift
    return high, rows - high


def near_tile(left: Rows, right: Rows, rows: slice, columns: slice) -> Geometry:
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
    shift = xp.clip(right.exponent[None, columns] - left.exponent[rows, None], -_FAR_APART, _FAR_APART)
    along, rest_along = power_of_two(xp, size, shift), power_of_two(xp, size_rest, shift)
    excess = ((along - a) + (rest_along - a_rest)) / xp.where(positive, a, xp.ones_like(a))
    return Geometry(xp, xp.where(negative, -cosine, cosine), True, 1.0, sine, excess)
