"""The logistic family for large variances and nearly parallel rows: an average of closed forms.

tanh z = E[2Φ(z/κ) − 1] for κ with the Kolmogorov distribution (Andrews & Mallows 1974; Stefanski 1991), so the
expectations are double averages of those of sign(u + κ n) and |u + κ n|, n normal, in the notation of `normal`. The
law of κ is replaced by its 16-point Gauss rule in the variable √κ, whose error is below 2e-15 for q ≥ 0.7 (and not for
small q, where the series of `hermite` serves).
"""

from __future__ import annotations

import math

from glutheory.numeric.arrays import Array, Namespace, constant
from glutheory.numeric.bases import LOG_COSH, TANH, Base
from glutheory.numeric.pairs import Geometry
from glutheory.numeric.rates import product_rates

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


def _sides(xp: Namespace, q: Array) -> tuple[Array, Array, Array]:
    """√(κ²+q²), α and γ² for every node, shape (16, k)."""
    kappa = constant(xp, q, [node for node, _ in RULE])[:, None]
    length = xp.hypot(kappa + 0.0 * q, q + 0.0 * kappa)
    return length, q / length, (kappa / length) ** 2


def averages(pairs: Geometry, base: Base, left: Array, right: Array) -> tuple[Array, Array]:
    """E[f(u) f(v)] and c·∂/∂c of it, of refined pairs; `left` and `right` are the scales q, q' > 0, shape (k,)."""
    xp = pairs.xp
    weights = constant(xp, left, [weight for _, weight in RULE])
    length, alpha, gamma2 = _sides(xp, left)
    length2, beta, delta2 = _sides(xp, right)
    sine2, rho = pairs.sin() ** 2, pairs.rho
    s, t = 0.0 * rho, 0.0 * rho
    for m in range(len(RULE)):
        both = alpha[m, :] * beta
        cosine = both * rho
        square = gamma2[m, :] + alpha[m, :] ** 2 * delta2 + both * both * sine2
        root = xp.sqrt(square)
        angle = xp.atan2(cosine, root)
        if base is TANH:
            first, second = angle, cosine / root
        elif base is LOG_COSH:
            first, second = length[m, :] * length2 * (root + cosine * angle), angle
        else:
            sum2 = gamma2[m, :] + delta2
            first = rho * angle + both * (sine2 + rho * rho * sum2) / root
            second = rho * (angle + cosine / root * (sum2 + gamma2[m, :] * delta2 / square))
        s = s + weights[m] * xp.sum(weights[:, None] * first, axis=0)
        t = t + weights[m] * xp.sum(weights[:, None] * second, axis=0)
    s, t = s * (2 / math.pi), t * (2 / math.pi)
    return (s, t * (left * right * rho)) if base is LOG_COSH else (s, t)


def average_rates(pairs: Geometry, base: Base, left: Array, right: Array) -> tuple[Array, Array]:
    """The rates of `averages`, term by term."""
    xp = pairs.xp
    weights = constant(xp, left, [weight for _, weight in RULE])
    length, alpha, gamma2 = _sides(xp, left)
    length2, beta, delta2 = _sides(xp, right)
    sine2, rho = pairs.sin() ** 2, pairs.rho
    s, t = 0.0 * rho, 0.0 * rho
    for m in range(len(RULE)):
        both = alpha[m, :] * beta
        cosine, sum2 = both * rho, gamma2[m, :] + delta2
        square = gamma2[m, :] + alpha[m, :] ** 2 * delta2 + both * both * sine2
        root = xp.sqrt(square)
        if base is TANH:
            first = 0.5 * cosine * sum2 / root
            second = first / square
        elif base is LOG_COSH:
            # L L' (√D + C θ): the rates of √D and θ cancel, and those of L and L' are α²/2 and α'²/2
            angle = xp.atan2(cosine, root)
            size = 0.5 * length[m, :] * length2
            first = size * ((alpha[m, :] ** 2 + beta**2) * (root + cosine * angle) + cosine * sum2 * angle)
            second = angle + 0.5 * cosine * sum2 / root
        else:
            first, second = product_rates(rho, both, sine2 + rho * rho * sum2, root, gamma2[m, :], delta2)
        s = s + weights[m] * xp.sum(weights[:, None] * first, axis=0)
        t = t + weights[m] * xp.sum(weights[:, None] * second, axis=0)
    s, t = s * (2 / math.pi), t * (2 / math.pi)
    return (s, t * (left * right * rho)) if base is LOG_COSH else (s, t)
