"""Expectations over half lines and quadrants by elementary integration: what the rectified activations need."""

from __future__ import annotations

import sympy as sp

from derivations.tools.gauss import normal

#: The angle between the two inputs.
ANGLE = sp.Symbol("phi", positive=True)
#: The variable of `half_mean`.
X = sp.Symbol("x", real=True)


def half_moment(k: int) -> sp.Expr:
    """E[x₊^k] for a standard normal x."""
    x = sp.Symbol("x", positive=True)
    return sp.integrate(x**k * normal(x), (x, 0, sp.oo))


def half_mean(expr: sp.Expr) -> sp.Expr:
    """E[expr; x > 0] of a polynomial in `X`, a standard normal x."""
    return sum((value * half_moment(k) for (k,), value in sp.Poly(expr, X).terms()), sp.S.Zero)


def quadrant_mean(k: int) -> sp.Expr:
    """E[u₊^k v₊^k] at unit variances in polar coordinates, u = r cos x, v = r cos(x − φ), as a function of `ANGLE`."""
    r, x = sp.symbols("r x", positive=True)
    radial = sp.integrate(r ** (2 * k + 1) * sp.exp(-(r**2) / 2), (r, 0, sp.oo)) / (2 * sp.pi)
    # as a sum of exponentials the integral over the angle is elementary term by term
    integrand = sp.expand((sp.cos(x) * sp.cos(x - ANGLE)).rewrite(sp.exp) ** k) if k else sp.S.One
    antiderivative = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(sp.powsimp(integrand))):
        rate = sp.simplify(sp.diff(term, x) / term)
        antiderivative += x * term if rate == 0 else term / rate
    value = antiderivative.subs(x, sp.pi / 2) - antiderivative.subs(x, ANGLE - sp.pi / 2)
    return sp.expand_trig(sp.expand(radial * sp.expand(sp.expand(value).rewrite(sp.cos))))
