"""α φ(β z) for an activation φ that has an evaluator: the same dual at radii |β| r, times α².

A Gaussian pair is as likely as its opposite, so the sign of β does not matter. With the degree p taken out as well,

    S = (r r')^p · α² |β|^2p · s(|β| r, |β| r', ρ)
"""

from __future__ import annotations

import math
from dataclasses import replace
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from glutheory.activations import Z
from glutheory.numeric.arrays import Array, constant, two_product
from glutheory.numeric.duals.record import Dual, Partials, Values
from glutheory.numeric.pairs import Geometry, Radii

#: Where two functions are compared before SymPy is asked whether they are the same.
_PLACES = (sp.Rational(3, 7), sp.Rational(-5, 9), sp.Rational(13, 11))
_ALIKE = 1e-9


def factors(expr: sp.Expr, known: sp.Expr) -> tuple[Fraction, Fraction] | None:
    """(α, β) with expr = α·known(β z), β > 0 and both rational; None where no such numbers are seen."""
    base = _numbers(known, sp.S.One)
    place = next((k for k, value in enumerate(base) if value), None)
    if place is None:
        return None
    own, other = _rates(expr), _rates(known)
    for beta in sorted({one / two for one in own for two in other}):
        values = _numbers(expr, beta)
        ratio = values[place] / base[place]
        if ratio == 0 or any(abs(v - ratio * w) > _ALIKE * abs(ratio) for v, w in zip(values, base, strict=True)):
            continue
        inner = expr.subs(Z, Z / beta)
        alpha = sp.nsimplify(sp.simplify(inner.subs(Z, _PLACES[place]) / known.subs(Z, _PLACES[place])))
        if alpha.is_Rational and sp.expand(inner - alpha * known) == 0:
            return Fraction(int(alpha.p), int(alpha.q)), Fraction(int(beta.p), int(beta.q))
    return None


@lru_cache(maxsize=512)
def _numbers(expr: sp.Expr, beta: sp.Rational) -> tuple[float, ...]:
    """The function at the places over β; nan where it has no value."""
    found = (expr.subs(Z, place / beta).evalf(15) for place in _PLACES)
    return tuple(float(value) if value.is_Float or value.is_Rational else math.nan for value in found)


@lru_cache(maxsize=512)
def _rates(expr: sp.Expr) -> set[sp.Rational]:
    """The rational numbers k for which k·z occurs in the expression, 1 among them."""
    products = (node.as_coeff_Mul() for node in expr.atoms(sp.Mul))
    return {sp.S.One} | {abs(number) for number, rest in products if rest == Z and number.is_Rational}


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
        combination=None if dual.combination is None else combination,
    )


def _square(side: Radii, beta: Fraction) -> tuple[Array, Array]:
    """β² a as an unevaluated sum of two numbers."""
    high, low = side.square
    square = float(beta**2)
    rest = float(beta**2 - Fraction(square))
    product, error = two_product(side.xp, high, constant(side.xp, high, square))
    return product, error + high * rest + low * square
