"""Where a switch turns: the real roots of its argument, found exactly.

Straight lines are what the zoo has. People also write min(0, exp(z) − 1), max(0, z³ − z) or |z² − 1|; for these

    f₁·f₂·…                    the roots of every factor
    polynomials                up to degree 2, or with rational roots beyond a quadratic factor
    A·F(g(z)) + B              F = exp, tanh, sinh, log: g(z) = F⁻¹(−B/A), where that is in F's range

and all else is refused by the caller. Every root is listed, so that the sign is constant between two of them.
"""

from __future__ import annotations

from collections.abc import Callable

import sympy as sp

from glutheory.activations import Z

#: Degrees of polynomials.
_MOST = 12
#: A strictly monotone function's inverse, in functions that ball arithmetic knows, and its range (open).
_INVERSES: dict[type, tuple[Callable[[sp.Expr], sp.Expr], sp.Expr, sp.Expr]] = {
    sp.exp: (sp.log, sp.S.Zero, sp.oo),
    sp.tanh: (lambda y: sp.log((1 + y) / (1 - y)) / 2, sp.S.NegativeOne, sp.S.One),
    sp.sinh: (lambda y: sp.log(y + sp.sqrt(1 + y**2)), -sp.oo, sp.oo),
    sp.log: (sp.exp, -sp.oo, sp.oo),
}


def roots(argument: sp.Expr) -> tuple[sp.Expr, ...] | None:
    """All real roots in z, not in order; None where they cannot be found exactly.

    An argument that is identically 0 has none.
    """
    flat = sp.expand(argument)
    if not flat.has(Z):
        return ()
    slope = flat.coeff(Z, 1)
    rest = sp.expand(flat - slope * Z)
    if not (rest.has(Z) or slope.has(Z)):
        return (sp.radsimp(-rest / slope),)
    if flat.is_polynomial(Z):
        return _polynomial(flat)
    if argument.is_positive or argument.is_negative:
        return ()
    factored = sp.factor_terms(flat)
    if isinstance(factored, sp.Mul):
        found = [roots(factor) for factor in factored.args]
        return None if None in found else tuple(root for own in found for root in own or ())
    return _inverted(flat)


def _polynomial(flat: sp.Expr) -> tuple[sp.Expr, ...] | None:
    """Of a quadratic polynomial, or one with rational coefficients whose irreducible factors are of degree 1 or 2."""
    poly = sp.Poly(flat, Z)
    if poly.degree() == 2:
        return _quadratic(*poly.all_coeffs())
    if poly.degree() > _MOST or not all(value.is_Rational for value in poly.all_coeffs()):
        return None
    found: list[sp.Expr] = []
    for factor, _ in poly.factor_list()[1]:
        if factor.degree() > 2:
            if factor.count_roots() == 0:
                continue
            return None
        found += [-factor.TC() / factor.LC()] if factor.degree() == 1 else _quadratic(*factor.all_coeffs()) or ()
    return tuple(found)


def _quadratic(two: sp.Expr, one: sp.Expr, constant: sp.Expr) -> tuple[sp.Expr, ...] | None:
    """Of two·z² + one·z + constant; None where the sign of the discriminant is not seen."""
    discriminant = sp.simplify(one**2 - 4 * two * constant)
    if discriminant.is_negative:
        return ()
    if not discriminant.is_nonnegative:
        return None
    return tuple(sp.radsimp((-one + sign * sp.sqrt(discriminant)) / (2 * two)) for sign in (-1, 1))


def _inverted(flat: sp.Expr) -> tuple[sp.Expr, ...] | None:
    """Of A·F(g(z)) + B."""
    constant, rest = flat.as_independent(Z, as_Add=True)
    scale, core = rest.as_independent(Z, as_Add=False)
    value = -constant / scale
    if core.func not in _INVERSES:
        return None
    inverse, low, high = _INVERSES[core.func]
    above, below = (sp.S.true if end.is_infinite else test for end, test in ((low, value > low), (high, value < high)))
    if above == sp.S.false or below == sp.S.false:
        return ()
    return roots(core.args[0] - inverse(value)) if above == below == sp.S.true else None
