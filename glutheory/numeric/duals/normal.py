"""erf, Φ, GELU and the Gaussian: arcsine forms of a pair of rows lifted by one coordinate of its own.

With scale s, α = r/√(s²+r²) and γ = s/√(s²+r²), the lifted rows have cosine ρ̃ = α α' ρ and
D = 1 − ρ̃² = γ² + α² γ'² + α² α'² sin²θ: positive terms only, none of which overflows. E[Φ(u/s) Φ(v/s)] = 1/4 +
arcsin(ρ̃)/2π (Williams 1997); GELU by Stein's lemma (Tsuchida et al. 2021). Derivatives follow from r ∂α/∂r = α γ² and
r ∂γ/∂r = −γ α². The GELU is z/2 plus half of z·(2Φ(z) − 1), whose dual is also that of z·tanh(z) averaged (see
`mixture`).
"""

from __future__ import annotations

import math
from collections.abc import Callable

from glutheory.numeric.arrays import Array, add_outer, constant
from glutheory.numeric.duals import far
from glutheory.numeric.duals.far import Loop
from glutheory.numeric.duals.record import Dual, Partials, Values
from glutheory.numeric.pairs import Geometry, Radii

_PI2 = 2 * math.pi


def _features(side: Radii, scale: float) -> Array:
    """α, γ, and γ² of each row: shape (3, n)."""
    xp, r = side.xp, side.r
    length = xp.hypot(r, constant(xp, r, scale))
    gamma = scale / length
    return xp.stack([r / length, gamma, gamma * gamma])


def _unit(side: Radii) -> Array:
    return _features(side, 1.0)


def _half(side: Radii) -> Array:
    return _features(side, math.sqrt(0.5))  # erf(z) = 2Φ(√2 z) − 1


def _lifted(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array, Array]:
    """α α', ρ̃ and D."""
    product = add_outer(pairs.xp, 0.0 * pairs.rho, left[0, ...], right[0, ...])
    cosine = product * pairs.rho
    if pairs.near:
        across = product * pairs.sin()
        return product, cosine, left[2, ...] + left[0, ...] * left[0, ...] * right[2, ...] + across * across
    # far pairs: 1 − ρ̃² ≥ 1 − NEAR² has lost nothing
    square = cosine * cosine
    square *= -1.0
    square += 1.0
    return product, cosine, square


def _gelu_values(pairs: Geometry, left: Array, right: Array) -> Values:
    product, cosine, square = _lifted(pairs, left, right)
    root = pairs.xp.sqrt(square)
    sums = left[2, ...] + right[2, ...]
    if pairs.near:
        sine = pairs.sin()
        inside = pairs.rho * pairs.rho * sums + sine * sine
    else:
        inside = far.gelu_inside(pairs.rho, sums)
    quotient = add_outer(pairs.xp, 0.0 * pairs.rho, left[2, ...], right[2, ...]) / square
    angle = pairs.xp.atan2(cosine, root)
    return Values(*far.gelu(pairs.rho, inside, product, cosine, 1.0 / root, angle, sums, quotient))


def gate_partials(
    rho: Array, sine2: Array, both: Array, gamma2: Array, delta2: Array, square: Array, root: Array, angle: Array
) -> Partials:
    """Of (π/2) E[x x' sgn sgn'] with sgn = 2Φ(r x/s) − 1 of two standard normals of correlation ρ, degree 0.

    The arguments: ρ, sin² θ, α α', γ², γ'², D, √D and arcsin ρ̃. All terms of s, left and right have one sign.
    """
    cosine = both * rho
    rho2 = rho * rho
    sums, product = gamma2 + delta2, gamma2 * delta2
    over = both / root
    s = rho * angle + over * (sine2 + rho2 * sums)
    s_rho = angle + cosine / root * (sums + product / square)
    s_rho2 = over * (1.0 + (sums + product * (1.0 + 2.0 * cosine * cosine) / square) / square)
    sides = []
    for own2, other2 in ((gamma2, delta2), (delta2, gamma2)):
        quotient = other2 / square
        inside = sine2 + rho2 * own2 * (2.0 + quotient)
        change = 2.0 * rho * (own2 * (2.0 + quotient) - 1.0)
        growth = cosine * both * (sine2 + rho2 * own2 * (2.0 + 3.0 * quotient)) / square
        sides += [over * own2 * inside, over * own2 * (change + growth)]
    return Partials(s, s_rho, s_rho2, *sides)


def arcsine_partials(both: Array, cosine: Array, gamma2: Array, delta2: Array, root: Array, angle: Array) -> Partials:
    """Of arcsin ρ̃, degree 0; the arguments as in `gate_partials`, with ρ̃ after α α'."""
    once = 1.0 / root
    slope = both * once
    # γ² ≤ D: in this order nothing overflows for rows of any norm
    first, second = gamma2 * once, delta2 * once
    return Partials(
        angle,
        slope,
        slope * slope * (cosine * once),
        first * cosine,
        first * once * slope,
        second * cosine,
        second * once * slope,
    )


def _gelu_partials(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
    both, cosine, square, sine2 = _refined(pairs, left, right)
    root = pairs.xp.sqrt(square)
    angle = pairs.xp.atan2(cosine, root)
    found = gate_partials(pairs.rho, sine2, both, left[2, ...], right[2, ...], square, root, angle)
    s, s_rho, s_rho2, grow, grow_rho, grow2, grow2_rho = (part * (0.5 / math.pi) for part in found[:7])
    s, s_rho = s + 0.25 * pairs.rho, s_rho + 0.25
    return Partials(s, s_rho, s_rho2, s + grow, s_rho + grow_rho, s + grow2, s_rho + grow2_rho)


def _refined(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array, Array, Array]:
    """α α', ρ̃, D as a sum of positive terms also for far pairs, and sin² θ."""
    both = left[0, ...] * right[0, ...]
    sine = pairs.sin()
    sine2 = sine * sine
    square = left[2, ...] + left[0, ...] * left[0, ...] * right[2, ...] + both * both * sine2
    return both, both * pairs.rho, square, sine2


def _arcsine(features: Callable[[Radii], Array], scale: float, offset: float) -> Dual:
    """S = offset + scale·arcsin ρ̃."""

    def values(pairs: Geometry, left: Array, right: Array) -> Values:
        _, cosine, square = _lifted(pairs, left, right)
        root = pairs.xp.sqrt(square)
        s = pairs.xp.atan2(cosine, root) * scale
        return Values(s + offset if offset else s, cosine / root * scale)

    def partials(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
        both, cosine, square, _ = _refined(pairs, left, right)
        root = pairs.xp.sqrt(square)
        found = arcsine_partials(both, cosine, left[2, ...], right[2, ...], root, pairs.xp.atan2(cosine, root))
        s, *rest = (part * scale for part in found[:7])
        return Partials(s + offset, *rest)

    return Dual(0, features, values, partials, loop=Loop("arcsine", (scale, offset)))


def _gaussian_values(pairs: Geometry, left: Array, right: Array) -> Values:
    _, cosine, square = _lifted(pairs, left, right)
    return Values(*far.gaussian(left[1, ...] * right[1, ...], cosine, square, pairs.xp.sqrt(square)))


def _gaussian_partials(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
    both, cosine, square, sine2 = _refined(pairs, left, right)
    cosine2 = cosine * cosine
    s = left[1, ...] * right[1, ...] / pairs.xp.sqrt(square)
    steep = s * both / square
    # quotients first: for rows of norm 1e150 the products alone vanish
    grow = -s * (left[0, ...] * left[0, ...]) * ((right[2, ...] + right[0, ...] * right[0, ...] * sine2) / square)
    grow2 = -s * (right[0, ...] * right[0, ...]) * ((left[2, ...] + left[0, ...] * left[0, ...] * sine2) / square)
    return Partials(
        s,
        steep * cosine,
        steep * both * (1.0 + 2.0 * cosine2) / square,
        grow,
        steep * cosine * (3.0 * left[2, ...] / square - 1.0),
        grow2,
        steep * cosine * (3.0 * right[2, ...] / square - 1.0),
    )


DUALS = {
    "erf": _arcsine(_half, 2 / math.pi, 0.0),
    "normal_cdf": _arcsine(_unit, 1 / _PI2, 0.25),
    "gelu": Dual(1, _unit, _gelu_values, _gelu_partials, loop=Loop("gelu")),
    "gaussian": Dual(0, _unit, _gaussian_values, _gaussian_partials, loop=Loop("gaussian")),
}
