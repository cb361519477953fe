"""The general functions of SymPy that a check may ask, each writing down that it was: their results are believed.

No proof calls them otherwise (a test reads the sources). What can be decided by rewriting is decided by
`derivations.tools.zero`.
"""

from __future__ import annotations

from typing import Any

import sympy as sp

from derivations.tools.means import believed


def simplify(expr: sp.Expr) -> sp.Expr:
    believed("simplify")
    return sp.simplify(expr)


def limit(expr: sp.Expr, symbol: sp.Symbol, to: sp.Expr, side: str = "+") -> sp.Expr:
    believed("limit")
    return sp.limit(expr, symbol, to, side)


def series(expr: sp.Expr, symbol: sp.Symbol, order: int) -> sp.Expr:
    """The Taylor polynomial at 0, terms below `order`."""
    believed("series")
    return sp.series(expr, symbol, 0, order).removeO()


def integrate(expr: sp.Expr, *limits: Any, **options: Any) -> sp.Expr:
    believed("integrate")
    return sp.integrate(expr, *limits, **options)


def summation(expr: sp.Expr, *limits: Any) -> sp.Expr:
    believed("summation")
    return sp.summation(expr, *limits)


def gammasimp(expr: sp.Expr) -> sp.Expr:
    believed("gammasimp")
    return sp.gammasimp(expr)


def solve(equations: Any, *symbols: Any, **options: Any) -> Any:
    believed("solve")
    return sp.solve(equations, *symbols, **options)
