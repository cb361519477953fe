"""The logistic family for large variances and nearly parallel rows: an average of closed forms.

tanh z = E[2Φ(z/κ) − 1] for κ with the Kolmogorov distribution (Andrews & Mallows 1974; Stefanski 1991), so the
expectations are double averages of those of sign(u + κ n) and |u + κ n|, n normal, in the notation of `normal`. The
law of κ is replaced by its 16-point Gauss rule in the variable √κ, whose error is below 2e-15 for q ≥ 0.7 (and not for
small q, where the series of `series` serves).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import NamedTuple

from glutheory.numeric.arrays import Array, constant
from glutheory.numeric.duals.bases import LOG_COSH, TANH, Base
from glutheory.numeric.duals.normal import arcsine_partials, gate_partials
from glutheory.numeric.duals.record import Partials
from glutheory.numeric.pairs import Geometry

#: From this q on derivatives take the average: it and the series, whose terms e^{−28/q} then suffice, agree here within
#: 5e-13.
SMALLEST = 0.45
#: (κ, weight) of the Gauss rule; a test derives them anew from the density.
RULE: tuple[tuple[float, float], ...] = (
    (0.2869504005629505, 1.6759146714044552e-05),
    (0.35005207370071206, 0.0011096232467255268),
    (0.42281691135581795, 0.014378640090632264),
    (0.5107537323502277, 0.06969471446868175),
    (0.6184265733136318, 0.1688497992474591),
    (0.7499053089895829, 0.2432821277972318),
    (0.9081685910054889, 0.23356973234510792),
    (1.0943187333594149, 0.15910356615959326),
    (1.307667098804536, 0.0775163266021344),
    (1.5471223370922549, 0.02603173320516749),
    (1.812362856847711, 0.005660636952075882),
    (2.104359571826956, 0.0007340672746217737),
    (2.426087313050618, 5.069186622735066e-05),
    (2.784147012954893, 1.565807096978122e-06),
    (3.1932510699707537, 1.57665460732184e-08),
    (3.6945310853880384, 2.3984392693444936e-11),
)


class _Node(NamedTuple):
    """A left node κ against all the right ones, the first axis of the arrays below but for those of the left side.

    Attributes:
        weight: of the left node.
        length, length2: √(κ²+q²) and √(κ'²+q'²).
        both: α α'.
        cosine: ρ̃.
        gamma2, delta2: γ² and γ'².
        square, root, angle: D, √D and arcsin ρ̃.
    """

    weight: Array
    length: Array
    length2: Array
    both: Array
    cosine: Array
    gamma2: Array
    delta2: Array
    square: Array
    root: Array
    angle: Array


def _nodes(pairs: Geometry, sine2: Array, left: Array, right: Array) -> Iterator[_Node]:
    """The closed forms' arguments, for one left node after the other, shape (16, k) each."""
    xp = pairs.xp
    weights = constant(xp, left, [weight for _, weight in RULE])
    kappa = constant(xp, left, [node for node, _ in RULE])[:, None]
    length, length2 = (xp.hypot(kappa + 0.0 * q, q + 0.0 * kappa) for q in (left, right))
    alpha, beta = left / length, right / length2
    gamma2, delta2 = (kappa / length) ** 2, (kappa / length2) ** 2
    for m in range(len(RULE)):
        both = alpha[m, :] * beta
        cosine = both * pairs.rho
        square = gamma2[m, :] + alpha[m, :] ** 2 * delta2 + both * both * sine2
        root = xp.sqrt(square)
        angle = xp.atan2(cosine, root)
        yield _Node(weights[m], length[m, :], length2, both, cosine, gamma2[m, :], delta2, square, root, angle)


def averages(pairs: Geometry, base: Base, left: Array, right: Array) -> tuple[Array, Array]:
    """E[f(u) f(v)] and c·∂/∂c of it, of refined pairs; `left` and `right` are the scales q, q' > 0, shape (k,)."""
    xp, rho = pairs.xp, pairs.rho
    weights = constant(xp, left, [weight for _, weight in RULE])[:, None]
    sine2 = pairs.sin() ** 2
    s, t = 0.0 * rho, 0.0 * rho
    for node in _nodes(pairs, sine2, left, right):
        if base is TANH:
            first, second = node.angle, node.cosine / node.root
        elif base is LOG_COSH:
            first, second = node.length * node.length2 * (node.root + node.cosine * node.angle), node.angle
        else:
            sum2 = node.gamma2 + node.delta2
            first = rho * node.angle + node.both * (sine2 + rho * rho * sum2) / node.root
            second = rho * (node.angle + node.cosine / node.root * (sum2 + node.gamma2 * node.delta2 / node.square))
        s = s + node.weight * xp.sum(weights * first, axis=0)
        t = t + node.weight * xp.sum(weights * second, axis=0)
    s, t = s * (2 / math.pi), t * (2 / math.pi)
    return (s, t * (left * right * rho)) if base is LOG_COSH else (s, t)


def partial_averages(pairs: Geometry, base: Base, left: Array, right: Array) -> Partials:
    """The derivatives of E[f(q x) f(q' x')]; `left` and `right` are q, q' ≥ `SMALLEST`, shape (k,)."""
    xp, rho = pairs.xp, pairs.rho
    weights = constant(xp, left, [weight for _, weight in RULE])[:, None]
    sine2 = pairs.sin() ** 2
    total: list[Array] = [0.0 * rho for _ in range(7)]
    for node in _nodes(pairs, sine2, left, right):
        _, length, length2, both, cosine, gamma2, delta2, square, root, angle = node
        if base is TANH:
            found = arcsine_partials(both, cosine, gamma2, delta2, root, angle)
        elif base is LOG_COSH:
            found = _length_partials(length * length2, both, cosine, gamma2, delta2, root, angle)
        else:
            found = gate_partials(rho, sine2, both, gamma2, delta2, square, root, angle)
        for index, part in enumerate(found[:7]):
            total[index] = total[index] + node.weight * xp.sum(weights * part, axis=0)
    return Partials(*(part * (2 / math.pi) for part in total))


def _length_partials(
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
