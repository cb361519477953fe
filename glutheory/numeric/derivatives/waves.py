"""sin, cos and exp, in the notation of `glutheory.numeric.waves`.

With odd = e^{−(a+b)/2} sinh c and even = e^{−(a+b)/2} cosh c, r ∂odd/∂r = c·even − a·odd and the same with the two
exchanged; for exp, r ∂S/∂r = (a + c) S.
"""

from __future__ import annotations

from glutheory.numeric import waves
from glutheory.numeric.arrays import Array
from glutheory.numeric.derivatives.partials import Partials, Slope
from glutheory.numeric.dual import radii
from glutheory.numeric.pairs import Geometry

#: Covariances are cut off here, where everything has long reached its limit, lest 0·∞ appear.
_LARGEST = 1e300


def _distances(pairs: Geometry, left: Array, right: Array, size: Array) -> tuple[Array, Array]:
    """|c| − a and |c| − b; of refined pairs without cancellation."""
    xp = pairs.xp
    a, b = (xp.clip(side * side, 0.0, _LARGEST) for side in (left[0], right[0]))
    if pairs.excess is None or pairs.sine is None:
        return size - a, size - b
    parallel = (xp.abs(pairs.rho) > 0.5) & (xp.abs(pairs.excess) < 0.5)
    cosine = xp.where(parallel, xp.abs(pairs.rho), xp.ones_like(size))
    # r' |ρ| = r (1 + excess)
    first = a * pairs.excess
    second = -left[0] * right[0] * (pairs.sine * pairs.sine + pairs.excess) / cosine
    return xp.where(parallel, first, size - a), xp.where(parallel, second, size - b)


def _partials(pairs: Geometry, left: Array, right: Array, parity: int) -> Partials:
    """Of odd (parity 1) or even (0), each of which is the other's derivative along c."""
    xp = pairs.xp
    both = xp.clip(left[0] * right[0], 0.0, _LARGEST)
    c = both * pairs.rho
    size, sign = xp.abs(c), xp.sign(c)
    front = 0.5 * xp.exp(-0.5 * pairs.distance(left[0], right[0]))
    decay, rest = xp.exp(-2.0 * size), -xp.expm1(-2.0 * size)
    odd, even = sign * front * rest, front * (1.0 + decay)
    sides = []
    for side, distance in zip((left, right), _distances(pairs, left, right, size), strict=True):
        a = xp.clip(side[0] * side[0], 0.0, _LARGEST)
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


def _sin(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
    return _partials(pairs, left, right, 1)


def _cos(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
    return _partials(pairs, left, right, 0)


def _exp(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
    one, c, factor = waves.EXP.values(pairs, left, right)
    both = left[0] * right[0] * one
    grow, grow2 = left[0] * left[0] + c, right[0] * right[0] + c
    return Partials(one, both, both * both, grow, both * (1.0 + grow), grow2, both * (1.0 + grow2), factor)


SIN = Slope(0, radii, _sin)
COS = Slope(0, radii, _cos)
EXP = Slope(0, waves.EXP.features, _exp)
