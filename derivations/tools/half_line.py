"""Expectations over half lines and quadrants by elementary integration: what the rectified activations need."""

from __future__ import annotations

import sympy as sp

from derivations.tools.gauss import log_slope, normal
from derivations.tools.proof import Outcome
from derivations.tools.zero import is_zero, zero

#: The angle between the two inputs.
ANGLE = sp.Symbol("phi", positive=True)
#: The variable of `half_mean`.
X = sp.Symbol("x", real=True)


def half_moment(k: int) -> sp.Expr:
    """E[x₊^k] for a standard normal x.

    By parts, (−x^(k−1) N)' = x^k N − (k−1) x^(k−2) N, down to E[1; x > 0] = 1/2 and E[x₊] = N(0).
    """
    x = sp.Symbol("x", positive=True)
    if k == 0:
        return sp.Rational(1, 2)
    if not is_zero(sp.diff(-(x ** (k - 1)) * normal(x), x) - (x**k - (k - 1) * x ** (k - 2)) * normal(x)):
        raise ValueError(f"the integration by parts of x^{k} is wrong")
    return normal(sp.S.Zero) if k == 1 else (k - 1) * half_moment(k - 2)


def chi_mean() -> tuple[sp.Expr, sp.Expr, Outcome]:
    """(d, E r, outcome) for the length r of a standard normal vector in R^d: √2 Γ((d+1)/2)/Γ(d/2).

    With r = √(2x) its density times r becomes the integrand of Γ((d+1)/2), decided for all d.
    """
    size, x = sp.symbols("d x", positive=True)
    r = sp.sqrt(2 * x)
    density = 2 ** (1 - size / 2) / sp.gamma(size / 2) * r ** (size - 1) * sp.exp(-(r**2) / 2)
    mean = sp.sqrt(2) * sp.gamma((size + 1) / 2) / sp.gamma(size / 2)
    integrand = mean / sp.gamma((size + 1) / 2) * x ** ((size + 1) / 2 - 1) * sp.exp(-x)
    return size, mean, zero((sp.expand_power_base(density * r * sp.diff(r, x)), integrand))


def half_mean(expr: sp.Expr) -> sp.Expr:
    """E[expr; x > 0] of a polynomial in `X`, a standard normal x."""
    return sum((value * half_moment(k) for (k,), value in sp.Poly(expr, X).terms()), sp.S.Zero)


def quadrant_mean(k: int) -> sp.Expr:
    """E[u₊^k v₊^k] at unit variances in polar coordinates, u = r cos x, v = r cos(x − φ), as a function of `ANGLE`."""
    x = sp.Symbol("x", positive=True)
    radial = half_moment(2 * k + 1) * sp.sqrt(2 * sp.pi) / (2 * sp.pi)  # ∫ r^(2k+1) e^(−r²/2) dr over 2π
    # as a sum of exponentials the integral over the angle is elementary term by term
    integrand = sp.expand((sp.cos(x) * sp.cos(x - ANGLE)).rewrite(sp.exp) ** k) if k else sp.S.One
    antiderivative = sp.S.Zero
    for term in sp.Add.make_args(sp.expand(sp.powsimp(integrand))):
        rate = sp.expand(log_slope(term, x))
        antiderivative += x * term if rate == 0 else term / rate
    value = antiderivative.subs(x, sp.pi / 2) - antiderivative.subs(x, ANGLE - sp.pi / 2)
    return sp.expand_trig(sp.expand(radial * sp.expand(sp.expand(value).rewrite(sp.cos))))
