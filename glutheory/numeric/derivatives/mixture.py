"""The logistic family for large variances and nearly parallel rows: the average of `glutheory.numeric.mixture`."""

from __future__ import annotations

import math

from glutheory.numeric.arrays import Array, constant
from glutheory.numeric.bases import LOG_COSH, TANH, Base
from glutheory.numeric.derivatives.normal import arcsine_partials, gate_partials
from glutheory.numeric.derivatives.partials import Partials
from glutheory.numeric.mixture import RULE
from glutheory.numeric.pairs import Geometry

#: From this q on the average is used: it and the series, whose terms e^{−28/q} then suffice, agree here within 5e-13.
SMALLEST = 0.45


def averages(pairs: Geometry, base: Base, left: Array, right: Array) -> Partials:
    """The derivatives of E[f(q x) f(q' x')]; `left` and `right` are q, q' ≥ `SMALLEST`, shape (k,)."""
    xp = pairs.xp
    weights = constant(xp, left, [weight for _, weight in RULE])[:, None]
    kappa = constant(xp, left, [node for node, _ in RULE])[:, None]
    length, length2 = (
        xp.hypot(kappa + 0.0 * left, left + 0.0 * kappa),
        xp.hypot(kappa + 0.0 * right, right + 0.0 * kappa),
    )
    sine = pairs.sin()
    sine2, rho = sine * sine, pairs.rho
    beta, delta2 = right / length2, (kappa / length2) ** 2
    total: list[Array] = [0.0 * rho for _ in range(7)]
    for m, (node, weight) in enumerate(RULE):
        alpha, gamma2 = left / length[m, :], (node / length[m, :]) ** 2
        both = alpha * beta
        cosine = both * rho
        square = gamma2 + alpha * alpha * delta2 + both * both * sine2
        root = xp.sqrt(square)
        angle = xp.atan2(cosine, root)
        if base is TANH:
            found = arcsine_partials(both, cosine, gamma2, delta2, root, angle)
        elif base is LOG_COSH:
            found = _lengths(length[m, :] * length2, both, cosine, gamma2, delta2, root, angle)
        else:
            found = gate_partials(rho, sine2, both, gamma2, delta2, square, root, angle)
        for index, part in enumerate(found[:7]):
            total[index] = total[index] + weight * xp.sum(weights * part, axis=0)
    return Partials(*(part * (2 / math.pi) for part in total))


def _lengths(
    size: Array, both: Array, cosine: Array, gamma2: Array, delta2: Array, root: Array, angle: Array
) -> Partials:
    """Of √(s²+r²) √(s²+r'²) (√D + ρ̃ arcsin ρ̃), (π/2) times the dual of |u + s n|, degree 0."""
    s = size * (root + cosine * angle)
    scaled, bent = size * both, size * cosine
    s_rho = scaled * angle
    # γ² ≤ D: in this order nothing overflows for rows of any norm
    first, second = gamma2 / root, delta2 / root
    return Partials(
        s,
        s_rho,
        scaled * (both / root),
        (1.0 - gamma2) * s + gamma2 * bent * angle,
        s_rho + first * scaled * cosine,
        (1.0 - delta2) * s + delta2 * bent * angle,
        s_rho + second * scaled * cosine,
    )
