"""erf, Φ, GELU and the Gaussian: arcsine forms of a pair of rows lifted by one coordinate of its own.

With scale s, α = r/√(s²+r²) and γ = s/√(s²+r²), the lifted rows have cosine ρ̃ = α α' ρ and
1 − ρ̃² = γ² + α² γ'² + α² α'² sin²θ: positive terms only, none of which overflows. E[Φ(u/s) Φ(v/s)] = 1/4 +
arcsin(ρ̃)/2π (Williams 1997); GELU by Stein's lemma (Tsuchida et al. 2021).
"""

from __future__ import annotations

import math
from fractions import Fraction

from glutheory.numeric.arrays import Array, add_outer, constant
from glutheory.numeric.dual import Dual, Values
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.rates import product_rates
from glutheory.numeric.rows import Rows

_PI2 = 2 * math.pi


def lift(rows: Rows, variance: Fraction, scale: float) -> Array:
    """α, γ, and γ² of each row: shape (3, n)."""
    r = rows.radius(variance)
    length = rows.xp.hypot(r, constant(rows.xp, r, scale))
    gamma = scale / length
    return rows.xp.stack([r / length, gamma, gamma * gamma])


def _lifted(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array, Array]:
    """α α', ρ̃ and 1 − ρ̃²."""
    product = add_outer(pairs.xp, 0.0 * pairs.rho, left[0], right[0])
    cosine = product * pairs.rho
    if pairs.near:
        across = product * pairs.sin()
        return product, cosine, left[2] + left[0] * left[0] * right[2] + across * across
    # far pairs: 1 − ρ̃² ≥ 1 − NEAR² has lost nothing
    square = cosine * cosine
    square *= -1.0
    square += 1.0
    return product, cosine, square


def _gelu_values(pairs: Geometry, left: Array, right: Array) -> Values:
    """S = ρ P + α α' (sin² + ρ²(γ²+γ'²)) / 2π√D, t = ρ (P + ρ̃ (γ²+γ'²+γ²γ'²/D) / 2π√D), D = 1 − ρ̃²."""
    product, cosine, square = _lifted(pairs, left, right)
    root = pairs.xp.sqrt(square)
    angle = pairs.xp.atan2(cosine, root)
    angle += math.pi / 2
    angle *= pairs.rho  # 2π ρ P
    gammas = left[2] + right[2]
    mixed = pairs.rho * pairs.rho
    if pairs.near:
        sine = pairs.sin()
        mixed = mixed * gammas + sine * sine
    else:
        mixed *= gammas - 1.0
        mixed += 1.0
    mixed *= product
    mixed /= root
    mixed += angle
    mixed *= 1 / _PI2
    cosine *= pairs.rho
    cosine /= root
    extra = add_outer(pairs.xp, 0.0 * pairs.rho, left[2], right[2])
    extra /= square
    extra += gammas
    extra *= cosine
    extra += angle
    extra *= 1 / _PI2
    return Values(mixed, extra)


def _erf_values(pairs: Geometry, left: Array, right: Array) -> Values:
    _, cosine, square = _lifted(pairs, left, right)
    root = pairs.xp.sqrt(square)
    return Values(pairs.xp.atan2(cosine, root) * (2 / math.pi), cosine / root * (2 / math.pi))


def _cdf_values(pairs: Geometry, left: Array, right: Array) -> Values:
    _, cosine, square = _lifted(pairs, left, right)
    root = pairs.xp.sqrt(square)
    return Values(pairs.xp.atan2(cosine, root) * (1 / _PI2) + 0.25, cosine / root * (1 / _PI2))


def _gaussian_values(pairs: Geometry, left: Array, right: Array) -> Values:
    _, cosine, square = _lifted(pairs, left, right)
    s = left[1] * right[1] / pairs.xp.sqrt(square)
    return Values(s, s * (cosine * cosine) / square)


def _gelu_rates(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
    product, _, square = _lifted(pairs, left, right)
    sine = pairs.sin()
    mixed = pairs.rho * pairs.rho * (left[2] + right[2]) + sine * sine
    first, second = product_rates(pairs.rho, product, mixed, pairs.xp.sqrt(square), left[2], right[2])
    return first * (1 / _PI2), second * (1 / _PI2)


def _angle_rates(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
    """The rates of arcsin C and C/√D."""
    _, cosine, square = _lifted(pairs, left, right)
    first = 0.5 * cosine * (left[2] + right[2]) / pairs.xp.sqrt(square)
    return first, first / square


def _erf_rates(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
    first, second = _angle_rates(pairs, left, right)
    return first * (2 / math.pi), second * (2 / math.pi)


def _cdf_rates(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
    first, second = _angle_rates(pairs, left, right)
    return first * (1 / _PI2), second * (1 / _PI2)


def _gaussian_rates(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array]:
    _, cosine, square = _lifted(pairs, left, right)
    s = left[1] * right[1] / pairs.xp.sqrt(square)
    quotient = cosine * cosine / square
    stretch = quotient * (left[2] + right[2])
    first = 0.5 * s * (stretch - left[0] * left[0] - right[0] * right[0])
    return first, first * quotient + s * stretch / square


def _unit(rows: Rows, variance: Fraction) -> Array:
    return lift(rows, variance, 1.0)


def _half(rows: Rows, variance: Fraction) -> Array:
    return lift(rows, variance, math.sqrt(0.5))  # erf(z) = 2Φ(√2 z) − 1


GELU = Dual(1, _unit, _gelu_values, rates=_gelu_rates)
ERF = Dual(0, _half, _erf_values, rates=_erf_rates)
NORMAL_CDF = Dual(0, _unit, _cdf_values, rates=_cdf_rates)
GAUSSIAN = Dual(0, _unit, _gaussian_values, rates=_gaussian_rates)
