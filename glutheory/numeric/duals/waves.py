"""The activations sin, cos and exp, through the distances a + b ∓ 2c, which do not cancel for nearly parallel rows.

E[sin u sin v] = e^{−(a+b)/2} sinh c     E[cos u cos v] = e^{−(a+b)/2} cosh c     E[e^u e^v] = e^{(a+b)/2 + c}

With odd = e^{−(a+b)/2} sinh c and even = e^{−(a+b)/2} cosh c, r ∂odd/∂r = c·even − a·odd and the same with the two
exchanged; for exp, r ∂S/∂r = (a + c) S.
"""

from __future__ import annotations

from functools import partial

from glutheory.numeric.arrays import Array, two_sum
from glutheory.numeric.duals.record import LARGEST, Dual, Partials, Values, radii
from glutheory.numeric.pairs import Geometry, Radii

#: Covariances are cut off here, where everything has long reached its limit, lest 0·∞ appear.
_LARGEST = LARGEST**2
#: Beyond this a + b the exponential's argument is rounded by more than an ulp of it matters.
_HUGE = 1e4


def _odd_even(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array, Array]:
    """C, e^{−(a+b)/2} sinh c and e^{−(a+b)/2} cosh c, the exponentials of −(a + b − 2|c|)/2 and −2|c|."""
    xp = pairs.xp
    c = xp.clip(left[0, ...] * right[0, ...] * pairs.rho, -_LARGEST, _LARGEST)
    front = 0.5 * xp.exp(-0.5 * pairs.distance(left[0, ...], right[0, ...]))
    twice = -2.0 * xp.abs(c)
    odd = -xp.sign(c) * front * xp.expm1(twice)
    return c, odd, front * (1.0 + xp.exp(twice))


def _sin_values(pairs: Geometry, left: Array, right: Array) -> Values:
    c, odd, even = _odd_even(pairs, left, right)
    return Values(odd, c * even)


def _cos_values(pairs: Geometry, left: Array, right: Array) -> Values:
    c, odd, even = _odd_even(pairs, left, right)
    return Values(even, c * odd)


def _distances(pairs: Geometry, left: Array, right: Array, size: Array) -> tuple[Array, Array]:
    """|c| − a and |c| − b; of refined pairs without cancellation."""
    xp = pairs.xp
    a, b = (xp.clip(side * side, 0.0, _LARGEST) for side in (left[0, ...], right[0, ...]))
    if pairs.excess is None or pairs.sine is None:
        return size - a, size - b
    parallel = (xp.abs(pairs.rho) > 0.5) & (xp.abs(pairs.excess) < 0.5)
    cosine = xp.where(parallel, xp.abs(pairs.rho), xp.ones_like(size))
    # r' |ρ| = r (1 + excess)
    first = a * pairs.excess
    second = -left[0, ...] * right[0, ...] * (pairs.sine * pairs.sine + pairs.excess) / cosine
    return xp.where(parallel, first, size - a), xp.where(parallel, second, size - b)


def _wave_partials(pairs: Geometry, left: Array, right: Array, second: bool, *, parity: int) -> Partials:  # noqa: ARG001
    """Of odd (parity 1) or even (0), each of which is the other's derivative along c."""
    xp = pairs.xp
    both = xp.clip(left[0, ...] * right[0, ...], 0.0, _LARGEST)
    c = both * pairs.rho
    size, sign = xp.abs(c), xp.sign(c)
    front = 0.5 * xp.exp(-0.5 * pairs.distance(left[0, ...], right[0, ...]))
    decay, rest = xp.exp(-2.0 * size), -xp.expm1(-2.0 * size)
    odd, even = sign * front * rest, front * (1.0 + decay)
    sides = []
    for side, distance in zip((left, right), _distances(pairs, left, right, size), strict=True):
        a = xp.clip(side[0, ...] * side[0, ...], 0.0, _LARGEST)
        # for large c the first form, in which the distance is known; for small c the second, which is relative to c
        large = distance + (size + a) * decay, distance - (size + a) * decay
        small = size * (1.0 + decay) - a * rest, size * rest - a * (1.0 + decay)
        grow_odd, grow_even = (
            front * xp.where(size > 1.0, one, other) for one, other in zip(large, small, strict=True)
        )
        grow_odd = sign * grow_odd
        sides += [grow_odd, both * (even + grow_even)] if parity else [grow_even, both * (odd + grow_odd)]
    own, other = (odd, even) if parity else (even, odd)
    return Partials(own, both * other, both * (both * own), *sides)


def _exp_features(side: Radii) -> Array:
    """r, and a as a sum of two numbers: shape (3, n)."""
    return side.xp.stack([side.r, *side.square])


def _exp_values(pairs: Geometry, left: Array, right: Array) -> Values:
    xp = pairs.xp
    c = xp.clip(left[0, ...] * right[0, ...] * pairs.rho, -_LARGEST, _LARGEST)
    one = xp.ones_like(c)
    if not pairs.near:
        return Values(one, c, xp.exp(0.5 * (left[1, ...] + right[1, ...]) + c))
    half = 0.5 * pairs.distance(left[0, ...], right[0, ...])
    total, first = two_sum(left[1, ...], right[1, ...])
    exponent, second = two_sum(total, -half)
    # what the rounded exponent lacks, at most an ulp of it
    lost = xp.where(total < _HUGE, first + second + left[2, ...] + right[2, ...], 0.0 * total)
    parallel = xp.exp(exponent) * (1.0 + lost)
    return Values(one, c, xp.where(pairs.rho > 0, parallel, xp.exp(half)))


def _exp_partials(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
    one, c, factor = _exp_values(pairs, left, right)
    both = left[0, ...] * right[0, ...] * one
    grow, grow2 = left[0, ...] * left[0, ...] + c, right[0, ...] * right[0, ...] + c
    return Partials(one, both, both * both, grow, both * (1.0 + grow), grow2, both * (1.0 + grow2), factor)


DUALS = {
    "sin": Dual(0, radii, _sin_values, partial(_wave_partials, parity=1)),
    "cos": Dual(0, radii, _cos_values, partial(_wave_partials, parity=0)),
    "exp": Dual(0, _exp_features, _exp_values, _exp_partials),
}
