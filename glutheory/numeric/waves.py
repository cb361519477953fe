"""The activations sin, cos and exp, through the distances a + b ∓ 2c, which do not cancel for nearly parallel rows.

E[sin u sin v] = e^{−(a+b)/2} sinh c     E[cos u cos v] = e^{−(a+b)/2} cosh c     E[e^u e^v] = e^{(a+b)/2 + c}

"""

from __future__ import annotations

from fractions import Fraction

from glutheory.numeric.arrays import Array, two_sum
from glutheory.numeric.dual import Dual, Values, radii
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.rows import Rows

#: Covariances are cut off here, where everything has long reached its limit, lest 0·∞ appear.
_LARGEST = 1e300


def _odd_even(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array, Array]:
    """C, e^{−(a+b)/2} sinh c and e^{−(a+b)/2} cosh c, the exponentials of −(a + b − 2|c|)/2 and −2|c|."""
    xp = pairs.xp
    c = xp.clip(left[0] * right[0] * pairs.rho, -_LARGEST, _LARGEST)
    front = 0.5 * xp.exp(-0.5 * pairs.distance(left[0], right[0]))
    twice = -2.0 * xp.abs(c)
    odd = -xp.sign(c) * front * xp.expm1(twice)
    return c, odd, front * (1.0 + xp.exp(twice))


def _sin_values(pairs: Geometry, left: Array, right: Array) -> Values:
    c, odd, even = _odd_even(pairs, left, right)
    return Values(odd, c * even)


def _cos_values(pairs: Geometry, left: Array, right: Array) -> Values:
    c, odd, even = _odd_even(pairs, left, right)
    return Values(even, c * odd)


def _exp_features(rows: Rows, variance: Fraction) -> Array:
    """r, and a as a sum of two numbers: shape (3, n)."""
    return rows.xp.stack([rows.radius(variance), *rows.variance(variance)])


def _exp_values(pairs: Geometry, left: Array, right: Array) -> Values:
    xp = pairs.xp
    c = xp.clip(left[0] * right[0] * pairs.rho, -_LARGEST, _LARGEST)
    one = xp.ones_like(c)
    if not pairs.near:
        return Values(one, c, xp.exp(0.5 * (left[1] + right[1]) + c))
    half = 0.5 * pairs.distance(left[0], right[0])
    total, first = two_sum(left[1], right[1])
    exponent, second = two_sum(total, -half)
    # what the rounded exponent lacks, at most an ulp of it
    lost = xp.where(total < _HUGE, first + second + left[2] + right[2], 0.0 * total)
    parallel = xp.exp(exponent) * (1.0 + lost)
    return Values(one, c, xp.where(pairs.rho > 0, parallel, xp.exp(half)))


def _odd_even_rates(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
    """The rates of e^{−(a+b)/2} sinh c and e^{−(a+b)/2} cosh c, by those of their two exponentials."""
    xp = pairs.xp
    c = xp.clip(left[0] * right[0] * pairs.rho, -_LARGEST, _LARGEST)
    half, twice = 0.5 * pairs.distance(left[0], right[0]), 2.0 * xp.abs(c)
    front, decay = 0.5 * xp.exp(-half), xp.exp(-twice)
    odd = xp.sign(c) * front * (half * xp.expm1(-twice) + twice * decay)
    return odd, -front * (half + (half + twice) * decay)


def _sin_rates(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
    c, _, even = _odd_even(pairs, left, right)
    odd_rate, even_rate = _odd_even_rates(pairs, left, right)
    return odd_rate, c * (even + even_rate)


def _cos_rates(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
    c, odd, _ = _odd_even(pairs, left, right)
    odd_rate, even_rate = _odd_even_rates(pairs, left, right)
    return even_rate, c * (odd + odd_rate)


def _exp_rates(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
    """The factor's own rate is (a + b)/2 + c."""
    xp = pairs.xp
    c = xp.clip(left[0] * right[0] * pairs.rho, -_LARGEST, _LARGEST)
    own = 0.5 * pairs.distance(left[0], right[0]) + 2.0 * xp.where(c > 0, c, 0.0 * c)
    return own, c * (1.0 + own)


_HUGE = 1e4

SIN = Dual(0, radii, _sin_values, rates=_sin_rates)
COS = Dual(0, radii, _cos_values, rates=_cos_rates)
EXP = Dual(0, _exp_features, _exp_values, rates=_exp_rates)
