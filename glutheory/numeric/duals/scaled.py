"""α φ(β z) for an activation φ that has an evaluator: the same dual at radii |β| r, times α².

A Gaussian pair is as likely as its opposite, so the sign of β does not matter. With the degree p taken out as well,

    S = (r r')^p · α² |β|^2p · s(|β| r, |β| r', ρ)
"""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

from glutheory.numeric.arrays import Array, constant, two_product
from glutheory.numeric.duals.record import Dual, Partials, Values
from glutheory.numeric.pairs import Geometry, Radii


def scaled(dual: Dual, alpha: Fraction, beta: Fraction) -> Dual:
    """The evaluator of α φ(β z), given that of φ."""
    factor, rate = float(alpha**2 * beta ** (2 * dual.degree)), float(beta)

    def wider(side: Radii) -> Radii:
        return Radii(side.xp, side.r * rate, lambda: _square(side, beta))

    def values(pairs: Geometry, left: Array, right: Array) -> Values:
        s, t, common = dual.values(pairs, left, right)
        return Values(s * factor, t * factor, common)

    def partials(pairs: Geometry, left: Array, right: Array, second: bool) -> Partials:
        found = dual.partials(pairs, left, right, second)
        s, s_rho, s_rho2, own, own_rho, other, other_rho = (part * factor for part in found[:7])
        return Partials(s, s_rho, s_rho2, own, own_rho, other, other_rho, found.factor)

    def combination(pairs: Geometry, left: Array, right: Array, first: float, second: float) -> Array:
        assert dual.combination is not None
        return dual.combination(pairs, left, right, first * factor, second * factor)

    slopes = dual.slope_features
    return replace(
        dual,
        features=lambda side: dual.features(wider(side)),
        values=values,
        partials=partials,
        slope_features=None if slopes is None else lambda side: slopes(wider(side)),
        loop=None if dual.loop is None else dual.loop.times(factor),
        largest=dual.largest / rate,
        combination=None if dual.combination is None else combination,
    )


def _square(side: Radii, beta: Fraction) -> tuple[Array, Array]:
    """β² a as an unevaluated sum of two numbers."""
    high, low = side.square
    square = float(beta**2)
    rest = float(beta**2 - Fraction(square))
    product, error = two_product(side.xp, high, constant(side.xp, high, square))
    return product, error + high * rest + low * square
