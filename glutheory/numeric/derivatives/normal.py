"""erf, Φ, GELU and the Gaussian, in the notation of `glutheory.numeric.normal`.

α = r/√(s²+r²), γ² = 1 − α², ρ̃ = α α' ρ and D = 1 − ρ̃² depend on r through r ∂α/∂r = α γ² and r ∂γ/∂r = −γ α². The GELU
is z/2 plus half of z·(2Φ(z) − 1), whose dual is also that of z·tanh(z) averaged (see `mixture`).
"""

from __future__ import annotations

import math

from glutheory.numeric import normal
from glutheory.numeric.arrays import Array
from glutheory.numeric.derivatives.partials import Partials, Slope
from glutheory.numeric.pairs import Geometry


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


def _lifted(pairs: Geometry, left: Array, right: Array) -> tuple[Array, Array, Array, Array]:
    """α α', ρ̃, sin² θ and D, a sum of positive terms."""
    both = left[0] * right[0]
    sine = pairs.sin()
    sine2 = sine * sine
    square = left[2] + left[0] * left[0] * right[2] + both * both * sine2
    return both, both * pairs.rho, sine2, square


def _gelu(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
    both, cosine, sine2, square = _lifted(pairs, left, right)
    root = pairs.xp.sqrt(square)
    angle = pairs.xp.atan2(cosine, root)
    found = gate_partials(pairs.rho, sine2, both, left[2], right[2], square, root, angle)
    s, s_rho, s_rho2, grow, grow_rho, grow2, grow2_rho = (part * (0.5 / math.pi) for part in found[:7])
    s, s_rho = s + 0.25 * pairs.rho, s_rho + 0.25
    return Partials(s, s_rho, s_rho2, s + grow, s_rho + grow_rho, s + grow2, s_rho + grow2_rho)


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


def _arcsine(scale: float, offset: float, pairs: Geometry, left: Array, right: Array) -> Partials:
    both, cosine, _, square = _lifted(pairs, left, right)
    root = pairs.xp.sqrt(square)
    found = arcsine_partials(both, cosine, left[2], right[2], root, pairs.xp.atan2(cosine, root))
    s, *rest = (part * scale for part in found[:7])
    return Partials(s + offset, *rest)


def _erf(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
    return _arcsine(2 / math.pi, 0.0, pairs, left, right)


def _cdf(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
    return _arcsine(0.5 / math.pi, 0.25, pairs, left, right)


def _gaussian(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:  # noqa: ARG001
    both, cosine, sine2, square = _lifted(pairs, left, right)
    cosine2 = cosine * cosine
    s = left[1] * right[1] / pairs.xp.sqrt(square)
    steep = s * both / square
    grow = -s * left[0] * left[0] * (right[2] + right[0] * right[0] * sine2) / square
    grow2 = -s * right[0] * right[0] * (left[2] + left[0] * left[0] * sine2) / square
    return Partials(
        s,
        steep * cosine,
        steep * both * (1.0 + 2.0 * cosine2) / square,
        grow,
        steep * cosine * (3.0 * left[2] / square - 1.0),
        grow2,
        steep * cosine * (3.0 * right[2] / square - 1.0),
    )


GELU = Slope(1, normal.GELU.features, _gelu)
ERF = Slope(0, normal.ERF.features, _erf)
NORMAL_CDF = Slope(0, normal.NORMAL_CDF.features, _cdf)
GAUSSIAN = Slope(0, normal.GAUSSIAN.features, _gaussian)
