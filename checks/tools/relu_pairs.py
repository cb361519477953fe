"""The engine's duals of ReLU on two inputs of norm √d, as functions of the angle between them."""

from __future__ import annotations

import sympy as sp

from glutheory.activations import activation
from glutheory.symbolic.duals import dual
from glutheory.symbolic.gaussian import a, b, c


def relu_duals(theta: sp.Expr, cosine: sp.Expr, sine: sp.Expr) -> tuple[sp.Expr, sp.Expr]:
    """S and T at unit variances and covariance cos θ, 0 ≤ θ ≤ π, with these expressions for θ, cos θ and sin θ."""
    rho = sp.Symbol("rho", positive=True)
    found = dual(activation("relu"))
    # θ = π/2 − arcsin ρ, and sin θ ≥ 0 is the root
    known = {sp.asin(rho): sp.pi / 2 - theta, sp.sqrt(1 - rho**2): sine, rho: cosine}
    S, T = (expr.subs({a: 1, b: 1}).subs(c, rho).subs(known, simultaneous=True) for expr in (found.S, found.T))
    return S, T
