"""Rewriting for readers: Φ for (1 + erf)/2, E[…] for the integral over the Kolmogorov variables."""

from __future__ import annotations

import sympy as sp

#: Markers that only `glutheory.printing.special_forms` knows how to write.
PHI = sp.Function("Phi")
MEAN = sp.Function("Mean")

_HALF = sp.Rational(1, 2)


def readable(expr: sp.Expr) -> sp.Expr:
    """The same expression with (1 + erf(x/√2))/2 as Φ(x), and mixture integrals as expectations."""
    if expr.has(sp.Integral):
        expr = expr.replace(lambda node: isinstance(node, sp.Integral), _mean)
    if expr.has(sp.erf):
        expr = expr.replace(lambda node: node.is_Add and node.has(sp.erf), _cdf)
    return expr


def _cdf(node: sp.Expr) -> sp.Expr:
    """q + q·erf(x/√2) = 2q·Φ(x) inside a sum."""
    for term in node.args:
        coefficient, function = term.as_independent(sp.erf, as_Add=False)
        if isinstance(function, sp.erf) and coefficient in node.args:
            rest = sp.Add(*(other for other in node.args if other not in (term, coefficient)))
            return rest + 2 * coefficient * PHI(sp.sqrt(2) * function.args[0])
    return node


def _mean(node: sp.Expr) -> sp.Expr:
    """E[f] for the integral of a density times f over its variable; nested ones become one."""
    factors = [f for f in sp.Mul.make_args(node.function) if type(f).__name__ != "KolmogorovDensity"]
    inner, variables = sp.Mul(*factors), [limit[0] for limit in node.limits]
    if isinstance(inner, MEAN):
        inner, variables = inner.args[0], [*variables, *inner.args[1:]]
    return MEAN(inner, *sorted(variables, key=str))
