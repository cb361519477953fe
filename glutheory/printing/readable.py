"""Rewriting for readers: Φ for (1 + erf)/2, E[…] for the integral over the Kolmogorov variables."""

from __future__ import annotations

import sympy as sp

#: Markers that only `glutheory.printing.special_forms` knows how to write.
PHI = sp.Function("Phi")
MEAN = sp.Function("Mean")

_HALF = sp.Rational(1, 2)


def readable(expr: sp.Expr) -> sp.Expr:
    """The same expression with (1 + erf(x/√2))/2 as Φ(x), mixture integrals as expectations, and signs outside."""
    if expr.has(sp.Integral):
        expr = expr.replace(lambda node: isinstance(node, sp.Integral), _mean)
    if expr.has(sp.erf):
        expr = expr.replace(lambda node: node.is_Add and node.has(sp.erf), _cdf)
    return expr.replace(_all_negative, _sign_outside) if expr.has(sp.Add) else expr


def _all_negative(node: sp.Expr) -> bool:
    return node.is_Mul and any(_negative(arg) for arg in node.args)


def _negative(expr: sp.Expr) -> bool:
    return bool(expr.is_Add and all(term.could_extract_minus_sign() for term in expr.args))


def _sign_outside(node: sp.Expr) -> sp.Expr:
    """(−x − y)·z as −(x + y)·z."""
    args = [-arg if _negative(arg) else arg for arg in node.args]
    sign = (-1) ** sum(_negative(arg) for arg in node.args)
    return sp.Mul(sign, *args)


def _cdf(node: sp.Expr) -> sp.Expr:
    """Replace q + q·erf(x/√2) = 2q·Φ(x) inside a sum, and q − q·erf as 2q·Φ(−x)."""
    for term in node.args:
        coefficient, function = term.as_independent(sp.erf, as_Add=False)
        if isinstance(function, sp.erf) and (constant := abs(coefficient)) in node.args:
            rest = sp.Add(*(other for other in node.args if other not in (term, constant)))
            sign = 1 if coefficient == constant else -1
            return rest + 2 * constant * PHI(sign * sp.sqrt(2) * function.args[0])
    return node


def _mean(node: sp.Expr) -> sp.Expr:
    """E[f] for the integral of a density times f over its variable; nested ones become one."""
    factors = [f for f in sp.Mul.make_args(node.function) if type(f).__name__ != "KolmogorovDensity"]
    inner, variables = sp.Mul(*factors), [limit[0] for limit in node.limits]
    if isinstance(inner, MEAN):
        inner, variables = inner.args[0], [*variables, *inner.args[1:]]
    return MEAN(inner, *sorted(variables, key=str))
