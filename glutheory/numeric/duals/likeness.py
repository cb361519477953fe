"""Whether a function is α φ(β z) for a known φ: what `scaled` makes an evaluator of."""

from __future__ import annotations

import math
from fractions import Fraction
from functools import lru_cache

import sympy as sp

from glutheory.activations import Z

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
