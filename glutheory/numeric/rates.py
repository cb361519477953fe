"""Derivatives with respect to the logarithm of the weights' variance: what learning a variance needs.

A variance σ² multiplies a, b and c alike, so ∂/∂log σ² = a ∂_a + b ∂_b + c ∂_c, at a fixed angle. Of the lifted rows of
`normal`, with C = α α' ρ, D = 1 − C² and g = γ² + γ'²:

    C' = C g/2        D' = −C² g        (arcsin C)' = C g/(2√D)        g' = −(α²γ² + α'²γ'²)

in which nothing cancels. For z = q x the derivative of a Hermite coefficient follows from Stein's lemma,
q ∂_q E[f(q x) He_k(x)] = E[f He_{k+2}] + k E[f He_k].
"""

from __future__ import annotations

import math

from glutheory.numeric.arrays import Array, Namespace, constant


def product_rates(
    rho: Array, product: Array, mixed: Array, root: Array, gamma2: Array, delta2: Array
) -> tuple[Array, Array]:
    """The rates of ρ θ + P M/√D and ρ (θ + C (g + γ²γ'²/D)/√D), θ = arcsin C plus any constant.

    Args:
        rho: ρ.
        product: P = α α'.
        mixed: M = sin² + ρ² g.
        root: √D.
        gamma2: γ².
        delta2: γ'².
    """
    cosine, square = product * rho, root * root
    g, both = gamma2 + delta2, gamma2 * delta2
    alpha2, beta2 = 1.0 - gamma2, 1.0 - delta2
    loss = alpha2 * gamma2 + beta2 * delta2
    stretch = cosine * cosine * g / square
    angle = 0.5 * cosine * g / root
    first = rho * angle + product / root * (0.5 * (g + stretch) * mixed - rho * rho * loss)
    sums = 0.5 * (g + stretch) * (g + both / square) - loss + both / square * (stretch - alpha2 - beta2)
    return first, rho * (angle + cosine / root * sums)


def coefficient_rates(xp: Namespace, coefficients: Array, degrees: list[int], taken: int) -> Array:
    """The rates of Hermite coefficients whose degrees go up by two, shape (terms, …), over q^taken."""
    shape = (len(degrees), *[1] * (coefficients.ndim - 1))
    own = xp.reshape(constant(xp, coefficients, [0.5 * (k - taken) for k in degrees]), shape)
    next_ = xp.reshape(constant(xp, coefficients, [0.5 * math.sqrt((k + 1) * (k + 2)) for k in degrees]), shape)
    following = xp.concat([coefficients[1:], 0.0 * coefficients[:1]], axis=0)
    return own * coefficients + next_ * following
